"""The OpenAPI document: what the routes declare of themselves, the schemas, and the page at /docs."""

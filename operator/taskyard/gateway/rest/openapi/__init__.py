"""The OpenAPI document: the declarations of the routes, the schemas, and the page at /docs."""

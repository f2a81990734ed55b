"""The shapes of requests and responses in the OpenAPI document. Responses are neither built nor validated with them.

Each field has an example, or a default one for its type; the examples of whole responses are built from these. Tests
check that responses have exactly the fields of these models.
"""

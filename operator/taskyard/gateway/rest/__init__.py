"""The listener for people and their programs: the Tasks REST API. Routes of the Coder Tasks API are under /api/v2, all
others under /api/v1alpha1.

Nothing is stored here. Reads come from a watch cache (`cache`). A TokenReview identifies the caller, and
SubjectAccessReviews decide what the caller may do (`access`); both results are cached for ten seconds. Writes go to the
API server with the caller's own token, so RBAC, admission and audit see the caller. The response for an object that the
caller may not see is the same, byte for byte, as for one that does not exist.

- `access`: authentication, authorization and limits of callers.
- `cache`: the watched objects, and notifications of their changes.
- `views`: objects as the REST API shows them. Pure over the cache.
- `streams`: server-sent events. A stream is notified of a change and then reads the cache: nothing is queued.
- `openapi`: the parts of the OpenAPI document that FastAPI does not generate, and the schemas.
- `search`: what lists show: their queries, and what a query selects.
- `routes`: the routes, and the code that several of them share.

No token is ever logged.
"""

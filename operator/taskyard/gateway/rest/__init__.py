"""The listener of people and their programs: the Tasks REST API, under /api/v2 as the Coder Tasks API has it, and
beyond that under /api/v1alpha1.

Nothing is stored here. Reads come from a watch cache (`cache`). A TokenReview tells who calls, SubjectAccessReviews
what the caller may do (`access`); both answers are remembered for ten seconds. Writes go to the API server with the
caller's own token, so RBAC, admission and audit see the caller. What a caller may not see is answered like what does
not exist, with the same bytes.

- `access`: who calls, what they may do, how much they may ask for.
- `cache`: the watched objects, and who waits for a change of them.
- `views`: objects as the REST API shows them. Pure over the cache.
- `streams`: server-sent events. A stream is told that something changed and looks into the cache: nothing queues.
- `openapi`: what the OpenAPI document says beyond what FastAPI knows, with the schemas.
- `routes`: the routes, and what several of them share.

No token is ever logged.
"""

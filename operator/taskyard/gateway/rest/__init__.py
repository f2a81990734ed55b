"""The gateway's listener for people and their programs: the Tasks REST API, under /api/v2 as the
Coder Tasks API has it, and beyond that under /api/v1alpha1.

Nothing is kept here. Reads come from a watch cache (`cache`); who calls is told by a TokenReview (`authentication`) and
what they may by SubjectAccessReviews (`authorization`), both remembered for ten seconds; whatever is written goes to
the API server with the caller's own token, so that RBAC, admission and audit see who did it. What a caller may not see
answers as what does not exist, with the same bytes.

`identifiers`, `query`, `paging`, `wire`, `logentries` and the views are pure; `tasks`, `controls`, `conversation`,
`accounts`, `templates` and `workspaces` are the routes, `pages`, `inputs` and `streams` those beyond. A stream looks at
what is (`feed`, `overview`) whenever it is told that something changed (`changes`): nothing waits in queues. What
`openapi` cannot know of the routes is in `described` and `shapes`. No token is ever logged.
"""

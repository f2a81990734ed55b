"""The gateway's listener for people and their programs: the Tasks REST API, under /api/v2.

Nothing is kept here. Reads come from a watch cache (`cache`); who calls is told by a TokenReview (`authentication`) and
what they may by SubjectAccessReviews (`authorization`), both remembered for ten seconds; whatever is written goes to
the API server with the caller's own token, so that RBAC, admission and audit see who did it. What a caller may not see
answers as what does not exist, with the same bytes.

`identifiers`, `query`, `wire` and the views are pure; `tasks`, `controls`, `conversation`, `accounts`, `templates` and
`workspaces` are the routes. No token is ever logged.
"""

"""The gateway: HTTP for the sidecars (and, later, for people).

Stateless, any number of replicas. Only `cluster` talks to the API server; `standing`, `enrollment`, `reports`,
`snapshots` and `ratelimit` are pure; `enroll` and `agents` are the routes: read, decide, write, answer.
No token and no key is ever logged.
"""

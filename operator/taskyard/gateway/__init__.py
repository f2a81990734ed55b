"""The gateway: HTTP for the sidecars, and for people and their programs.

Stateless, any number of replicas. Only `cluster` talks to the API server.

- `http`: request bodies, errors, probes and the server, the same for both listeners.
- `tls`: certificates and keys, and how they are renewed.
- `sidecars`: the listener of the sidecars.
- `rest`: the listener of people and their programs.
- `context` holds what both listeners work with; `review_limit`, `metrics` and `settings` know no other room.

No token and no key is ever logged.
"""

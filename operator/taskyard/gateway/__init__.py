"""The gateway: HTTP for the sidecars, and for people and their programs.

Stateless, any number of replicas. Only `cluster` talks to the API server.

- `http`: request bodies, errors, probes and the server, shared by both listeners.
- `tls`: certificates and keys, and their renewal.
- `sidecars`: the listener for sidecars.
- `rest`: the listener for people and their programs.
- `context` holds what both listeners share; `review_limit`, `metrics` and `settings` import none of these packages.

No token and no key is ever logged.
"""

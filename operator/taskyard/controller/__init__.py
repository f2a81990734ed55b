"""The operator process: what people write comes in through kopf, what the operator owns through reflectors.

Both, and moments that have come (`deadlines`), only say *look again at this Task* (`event_router`, `queue`). Then
`gather` reads the stores into a view, `taskyard.core` decides, and `apply` writes. `cluster` is the one module that
talks to the API server.

- `kopf_source`: kopf's handlers, its runs, its words in the log, and lists beside its watches.
- `templates`: the status of Templates, and the check of template versions.
- `observability`: Events, metrics and probes; they observe the stores, and nothing depends on them.
"""

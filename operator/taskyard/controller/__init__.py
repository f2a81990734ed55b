"""The operator process: kopf watches the kinds that people write, reflectors watch those that the operator owns.

Their events, and deadlines that are due (`deadlines`), only queue the key of a Task (`event_router`, `queue`). Then
`gather` reads the stores into a view, `taskyard.core` decides, and `apply` writes. `cluster` is the one module that
talks to the API server.

- `kopf_source`: kopf's handlers, its runs, the filter of its log, and lists beside its watches.
- `templates`: the status of Templates, and the validation of template versions.
- `observability`: Events, metrics and probes; they observe the stores, and nothing depends on them.
"""

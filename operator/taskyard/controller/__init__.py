"""The operator process: what people write comes in through kopf, what the operator owns through reflectors.

Both, and moments that have come (`deadlines`), only say *look again at this Task* (`queue`); then `gather` reads the
stores into a view, `taskyard.core` decides, and `apply` writes. `cluster` is the one module that talks to the API
server.
`recorder` and `metrics` observe the stores; nothing depends on them.
"""

"""taskyard-notifier: tells the owners of Tasks what becomes of them.

- `main` wires the parts; of several processes the one that holds the Lease tells, the others keep their caches warm.
- `cache` holds views of Tasks, their builds and the sinks; `places` says which sinks are served, `sinks` gives each of
  these a worker of its own, so that one that hangs holds up no other, and `unserved` tells the others.
- `sink_worker` sends and records, with `sink_check` for the sink itself, `turns` for its pace, `refusals` for what
  waits alone, and `overdue` and `given_up` for what has waited for too long.
- `records` is the one writer of `status.notifications`; `webhook` and `apprise_service` send, in `shared_threads` what
  blocks; `guarded_dns` and `connect_proxy` keep them off addresses that are not public; `egress_proxy` is
  the installation's own way out.
- Only `cluster` talks to the API server. What is due is decided in `core.notifications`.
"""

"""taskyard-notifier: tells the owners of Tasks what becomes of them.

- `main` wires the parts; of several processes the one that holds the Lease tells, the others keep their caches warm.
- `cache` holds views of Tasks, their builds and the sinks; `sinks` gives each sink that has something to be told a
  worker of its own, so that one that hangs holds up no other; `sink_worker` sends and records.
- `records` is the one writer of `status.notifications`; `webhook` and `apprise_service` send; `guarded_dns` and
  `connect_proxy` keep them off addresses that are not public.
- Only `cluster` talks to the API server. What is due is decided in `core.notifications`.
"""

"""The listener of the sidecars: enrolment, state reports, outputs, log snapshots.

`evidence` reads what tells to which Task a Pod belongs, `pod_binding` judges it, `token` admits the caller;
`enrollment`, `reports` and `snapshots` decide what is answered or written, and `task_status` writes to a Task's
status. The pure ones know no request; `routes` read, decide, write and answer.
"""

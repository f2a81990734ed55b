"""The listener for sidecars: enrolment, state reports, outputs, log snapshots.

`evidence` reads the objects that show to which Task a Pod belongs, `pod_binding` judges them, and `token` authenticates
the caller; `enrollment`, `reports` and `snapshots` decide what is answered or written, and `task_status` writes to a
Task's status. The pure modules know no request; `routes` read, decide, write and answer.
"""

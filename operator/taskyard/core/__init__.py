"""Decisions and manifests as pure functions of plain values: the clock is an argument, nothing here does I/O.

`observed` turns API objects into views, `decision` chooses the next step, `lifecycle` and `task_phase` derive a Task's
phase, `status` makes the status document. `manifests` builds the objects that Taskyard creates, `security` holds keys
and certificates.
"""

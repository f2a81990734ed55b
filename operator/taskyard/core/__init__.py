"""Decisions and manifests as pure functions of plain values: the clock is an argument, nothing here does I/O.

`observed` turns API objects into views, `decision` chooses the next step, `lifecycle` and `task_phase` say what a
Task's status is, `status` writes it down. `manifests` builds the objects that Taskyard creates, `security` keys and
certificates.
"""

"""Decisions and manifests as pure functions of plain values: the clock is an argument, nothing here does I/O.

`observed` turns API objects into views, `decision` chooses the next step, `lifecycle` and `derivation` say what a
Task's status is, `status` writes it down, `pod`, `claim` and `build` make manifests.
"""

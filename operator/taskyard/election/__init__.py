"""Processes of which one works at a time: the loop around the rules of `core.lease`, and the guard of every write.

`leader` holds a Lease; `guarded_cluster` reads, and writes only while the Lease is held, at the pace of `write_budget`.
"""

"""Lists and watches objects of the API server into memory, for the processes that decide or answer from there.

`reading` lists and watches a kind (a `taskyard.core.resources.Resource`), `store` keeps the newest state of its
objects, and `reflector` keeps a store equal to what the API server has. Nothing here writes to the API server.
"""

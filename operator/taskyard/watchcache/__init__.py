"""List and watch of the API server's objects into memory, for the processes that decide or answer from there.

`resource` says where a kind is found, `reading` lists and watches it, `store` keeps the newest state of its objects,
and `reflector` keeps a store equal to what the API server has. Nothing here writes.
"""

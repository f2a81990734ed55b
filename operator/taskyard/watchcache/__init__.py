"""Lists and watches objects of the API server into memory, for the processes that decide or answer from there.

`resource` says where a kind is found, `reading` lists and watches it, `store` keeps the newest state of its objects,
and `reflector` keeps a store equal to what the API server has. Nothing here writes to the API server.
"""

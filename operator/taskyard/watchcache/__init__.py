"""Lists and watches objects of the API server into memory, for the processes that decide or answer from there.

A `kind` says which fields of its objects are read and what is kept of them: a view. `reading` lists and watches a kind
without ever holding more than a page of it, `store` keeps the newest view of each object, and `reflector` keeps a store
equal to what the API server has. Nothing here writes to the API server.
"""

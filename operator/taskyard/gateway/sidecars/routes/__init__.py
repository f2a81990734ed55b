"""The routes of the sidecars' listener, one module a subject."""

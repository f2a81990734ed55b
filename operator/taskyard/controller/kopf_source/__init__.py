"""All that knows kopf: what people write comes in here, as events for the router.

kopf is pinned below its next minor version, since a name that it does not export is used (`runner`).
"""

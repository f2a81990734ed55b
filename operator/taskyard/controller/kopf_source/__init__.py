"""The only code that imports kopf: it turns changes of the kinds that people write into events for the router.

kopf is pinned below its next minor version, since `runner`, `lists`, `lines` and `lean` use names that kopf does not
export.
"""

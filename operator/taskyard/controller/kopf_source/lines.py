"""How kopf reads the lines of its watches.

`json` gives up an object that is nested too deeply, and kopf with it all of its watches. msgspec is quicker besides.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
from kopf._cogs.clients import api  # no other way to be asked before kopf decodes

from taskyard.watchcache import nesting

_KEPT = ("apiVersion", "kind", "metadata")


class CutOff(dict[str, Any]):
    """An object that is nested too deeply: nothing of it but what says which one it is."""


def loads(line: str) -> dict[str, Any]:
    """An event of a watch. Raises ValueError for what is none."""
    try:
        event: dict[str, Any] = msgspec.json.decode(line)
    except RecursionError:
        event = msgspec.json.decode(nesting.cut(line.encode()))
        whole = event["object"]
        event["object"] = CutOff({name: whole[name] for name in _KEPT if name in whole})
    return event


# All that kopf uses of `json` there.
api.json = SimpleNamespace(loads=loads)  # type: ignore[attr-defined,assignment]

"""How kopf reads the lines of its watches.

kopf decodes each object whole, keeps it until a worker of its own is idle, and gives all of its watches up when one is
nested too deeply for `json`. It needs to know which object it is, and hands on what it got: an object is decoded once,
straight into what is kept of it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, TypedDict

import msgspec
from kopf._cogs.clients import api  # no other way to be asked before kopf decodes

from taskyard.watchcache import nesting


class Received(dict[str, Any]):
    """An object as kopf sees it: kind and metadata. `raw` is all of it in JSON; empty when it is nested too deeply."""

    raw: bytes = b""


class _Line(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


class _Seen(TypedDict, total=False):
    apiVersion: str
    kind: str
    metadata: dict[str, Any]


_line = msgspec.json.Decoder(_Line)
_seen = msgspec.json.Decoder(_Seen)


def loads(line: str) -> dict[str, Any]:
    """An event of a watch. Raises ValueError for what is none."""
    try:
        found = _line.decode(line)
        whole = Received(_seen.decode(found.object))
        whole.raw = bytes(found.object)
    except RecursionError:
        found = _line.decode(nesting.cut(line.encode()))
        whole = Received(_seen.decode(found.object))
    if found.type == "ERROR":
        return {"type": found.type, "object": msgspec.json.decode(found.object)}
    return {"type": found.type, "object": whole}


# All that kopf uses of `json` there.
api.json = SimpleNamespace(loads=loads)  # type: ignore[attr-defined,assignment]

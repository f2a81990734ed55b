"""What kopf is spared: it would keep a memory for each object, and copy each object to see what has changed in it. The
handlers here only pass events on, and need neither."""

from __future__ import annotations

from typing import Any

import kopf
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory  # no other way to keep less


class NoMemories(ResourceMemories):
    """Every event of an object is its first."""

    async def recall(self, raw_body: Any, **how: Any) -> ResourceMemory:
        return await super().recall(raw_body, **(how | {"ephemeral": True}))


class NoDifferences(kopf.DiffBaseStorage):
    """No object is compared with its former state, and nothing is stored in it."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        """Nothing is stored."""

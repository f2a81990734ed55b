"""The Pods of template versions, which the stores do not keep: a Pod may have any size and any number of parts, and no
decision needs them. A Pod that is to be created is made from what is held here as JSON, or read anew.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import msgspec

from taskyard.controller.cluster import Cluster
from taskyard.core.api_object import Manifest
from taskyard.core.resources import TEMPLATE_VERSIONS
from taskyard.core.template_version_view import TemplateVersionView

MAX_BYTES = 16 << 20
# Decoded, JSON of many small parts takes some thirty times its bytes: of those beyond this size so many are decoded at
# a time.
LARGE_BYTES = 1 << 16
LARGE_AT_ONCE = 4


class PodTemplates:
    """JSON of Pods by the UID of the version, which is immutable; the least recently used go first."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._max = max_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        # Views are made in kopf's thread too.
        self._lock = threading.Lock()
        self._turn = asyncio.Semaphore(LARGE_AT_ONCE)
        self.bytes = 0

    def lean(self, manifest: Manifest) -> TemplateVersionView:
        """The view of a version without its Pod, which is held here. To be called in any thread."""
        whole = TemplateVersionView.of(manifest)
        self._hold(whole.uid, msgspec.json.encode(whole.pod))
        return replace(whole, pod={})

    @asynccontextmanager
    async def whole(self, cluster: Cluster, version: TemplateVersionView) -> AsyncIterator[TemplateVersionView | None]:
        """The version with its Pod, for the time of the block; None when it is gone, or was replaced by another of its
        name. Raises ApiError."""
        async with AsyncExitStack() as held:
            content = self._known(version.uid)
            if content is None or len(content) > LARGE_BYTES:
                await held.enter_async_context(self._turn)
            if content is None:
                found = await cluster.get(TEMPLATE_VERSIONS, version.namespace, version.name)
                if found is None or found["metadata"]["uid"] != version.uid:
                    yield None
                    return
                self.lean(found)
                pod = TemplateVersionView.of(found).pod
                del found
            else:
                pod = msgspec.json.decode(content)
            yield replace(version, pod=pod)

    def _known(self, uid: str) -> bytes | None:
        with self._lock:
            if uid in self._held:
                self._held.move_to_end(uid)
            return self._held.get(uid)

    def _hold(self, uid: str, content: bytes) -> None:
        with self._lock:
            self.bytes += len(content) - len(self._held.pop(uid, b""))
            self._held[uid] = content
            while self.bytes > self._max:
                self.bytes -= len(self._held.popitem(last=False)[1])

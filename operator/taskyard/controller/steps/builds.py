"""Writes and deletes WorkspaceBuilds that exist."""

from __future__ import annotations

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import Cluster, ConflictError, MissingError, Object
from taskyard.core.build_view import BuildView
from taskyard.core.resources import WORKSPACE_BUILDS


class BuildWriter:
    """All methods raise ApiError; afterwards the store shows what was written."""

    def __init__(self, cluster: Cluster, stores: Stores) -> None:
        self._cluster = cluster
        self._builds = stores.builds
        self._unkept = stores.unkept

    async def write(self, namespace: str, build: BuildView, patch: Object) -> Object | None:
        """Merge `patch` into a build's status. Returns what the API server made of it,
        None when the build is gone or somebody else has changed it."""
        key = (namespace, build.name)
        known = self._builds.get(key)
        if known is None:
            return None
        try:
            written = await self._cluster.patch_status(
                WORKSPACE_BUILDS, *key, patch, resource_version=known.resource_version
            )
        except (ConflictError, MissingError):
            found = await self._cluster.get(WORKSPACE_BUILDS, *key)
            if found is None:
                self._builds.remove(key, uid=known.uid)
            else:
                self._builds.put(found)
            return None
        self._unkept.written(patch, written)
        self._builds.put(written)
        return written

    async def delete(self, namespace: str, build: BuildView) -> None:
        """Delete a build of the Task."""
        key = (namespace, build.name)
        await self._cluster.delete(WORKSPACE_BUILDS, *key, uid=build.uid)
        self._builds.remove(key, uid=build.uid)

    async def delete_left_behind(self, namespace: str, build: BuildView) -> None:
        """Delete a build that has lost its owner, unless anything has changed since it was looked at."""
        key = (namespace, build.name)
        await self._cluster.delete(WORKSPACE_BUILDS, *key, uid=build.uid, resource_version=build.resource_version)
        self._builds.remove(key, uid=build.uid)

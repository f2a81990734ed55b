"""A Lua without I/O, like Argo CD's, that runs its health checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lupa import LuaRuntime, lua54

from localcluster.locations import REPOSITORY

ARGOCD = REPOSITORY / "deploy" / "argocd"


def health(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Status and message by the check in that folder for an object."""
    lua: LuaRuntime = lua54.LuaRuntime(register_eval=False, register_builtins=False, unpack_returned_tuples=True)
    lua.execute("io, os, debug, package, require, dofile, loadfile, python = nil")
    lua.globals()["obj"] = lua.table_from(manifest, recursive=True)
    return dict(lua.execute((folder / "health.lua").read_text()))

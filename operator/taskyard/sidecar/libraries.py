"""Loads starlette and uvicorn without what they load in turn and never use here."""

import http
import importlib
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

from taskyard.sidecar.left_out import without


class _Names(ModuleType):
    """A module that has every name."""

    def __getattr__(self, name: str) -> Any:
        return Any


# What each saves, in milliseconds of CPU where the import of asyncio alone takes 80, and of memory.
_UNUSED: Mapping[str, object] = {
    # uvicorn's command line: click and multiprocessing, 3 MB.
    "uvicorn.main": SimpleNamespace(Server=None, main=None, run=None),
    # uvicorn's names of types: 3 ms.
    "uvicorn._types": _Names("uvicorn._types"),
    # uvicorn configures logging, from a file if it is asked to: pickle and socketserver, 5 ms.
    "logging.config": SimpleNamespace(),
    "configparser": SimpleNamespace(RawConfigParser=None),
    # uvicorn tells its version, and starlette has paths with a UUID: 3 ms.
    "platform": SimpleNamespace(system=lambda: "Linux"),
    "uuid": SimpleNamespace(UUID=str),
    # starlette has the names of statuses from here, which loads the parser of e-mails: 10 ms.
    "http.client": SimpleNamespace(responses={status.value: status.phrase for status in http.HTTPStatus}),
    # starlette reads forms, for which it loads tempfile and with it the compressors: 6 ms.
    "starlette.formparsers": SimpleNamespace(FormParser=None, MultiPartException=None, MultiPartParser=None),
    # starlette shows errors as a page: the names of HTML, 1 MB.
    "html.entities": SimpleNamespace(html5={}),
}
_LOADED = (
    "starlette.applications",
    "starlette.responses",
    "starlette.routing",
    "uvicorn.config",
    "uvicorn.server",
    "uvicorn.protocols.http.httptools_impl",
)


with without(_UNUSED):
    # `import http.client` takes it from here.
    if not hasattr(http, "client"):
        http.client = _UNUSED["http.client"]  # type: ignore[attr-defined]
    for _name in _LOADED:
        importlib.import_module(_name)

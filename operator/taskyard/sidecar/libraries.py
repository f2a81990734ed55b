"""Loads httpx, starlette and uvicorn without what they load in turn and never use here."""

import importlib
import sys
from collections.abc import Mapping
from types import SimpleNamespace

from taskyard.sidecar.left_out import without

# What each saves, in milliseconds of CPU where the import of asyncio alone takes 80, and of memory.
_UNUSED: Mapping[str, object] = {
    # The command lines of httpx and uvicorn: click, multiprocessing and, where installed, rich and pygments, 3 MB.
    "httpx._main": None,
    "uvicorn.main": SimpleNamespace(Server=None, main=None, run=None),
    # uvicorn configures logging, from a file if it is asked to: pickle and socketserver, 5 ms.
    "logging.config": SimpleNamespace(),
    "configparser": SimpleNamespace(RawConfigParser=None),
    # starlette reads forms, for which it loads tempfile and with it the compressors: 6 ms.
    "starlette.formparsers": SimpleNamespace(FormParser=None, MultiPartException=None, MultiPartParser=None),
    # starlette shows errors as a page: the names of HTML, 1 MB.
    "html.entities": SimpleNamespace(html5={}),
}
_LOADED = (
    "httpx",
    "starlette.applications",
    "starlette.responses",
    "starlette.routing",
    "uvicorn.config",
    "uvicorn.server",
    "uvicorn.protocols.http.httptools_impl",
)

# httpcore looks for it at each use of a connection, which takes a tenth of a request's time where it is not installed.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

with without(_UNUSED):
    for _name in _LOADED:
        importlib.import_module(_name)

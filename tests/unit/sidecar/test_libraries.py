"""What is left out of httpx, starlette and uvicorn is neither needed nor missed by anybody else."""

from __future__ import annotations

import json
import subprocess
import sys

from unit.sidecar.pod import OPERATOR


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(OPERATOR)}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_left_out_is_not_loaded() -> None:
    loaded = set(run("import sys, taskyard.sidecar.main; print(*sys.modules)").split())
    assert "uvicorn.server" in loaded
    assert "starlette.routing" in loaded
    left_out = {
        "httpx._main",
        "uvicorn.main",
        "logging.config",
        "configparser",
        "starlette.formparsers",
        "html.entities",
    }
    # What these would load.
    left_out |= {"click", "multiprocessing", "pickle", "rich"}
    assert not left_out & loaded


def test_whoever_needs_it_later_gets_it() -> None:
    script = """
import taskyard.sidecar.main
import configparser, html.entities, logging.config
import starlette.formparsers
print(configparser.RawConfigParser())
print(logging.config.dictConfig, html.entities.html5["amp;"], starlette.formparsers.MultiPartParser)
"""
    assert run(script).startswith("<configparser")


def test_errors_of_starlette_have_their_names() -> None:
    script = """
import http, json, taskyard.sidecar.main
from starlette.exceptions import HTTPException
print(json.dumps({status.value: HTTPException(status.value).detail for status in http.HTTPStatus}))
"""
    details = json.loads(run(script))
    assert (details["404"], details["405"]) == ("Not Found", "Method Not Allowed")
    assert all(details.values())

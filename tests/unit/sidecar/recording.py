"""Recordings of real agents' terminals (tests/agents/record.py made them): output, and where in it each scene ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).parent / "recordings"


def recording(name: str) -> tuple[dict[str, Any], bytes]:
    return json.loads((RECORDINGS / f"{name}.json").read_text()), (RECORDINGS / f"{name}.bin").read_bytes()


def end_of(name: str, scene: str) -> int:
    """How many bytes there are until the end of the scene."""
    known, _ = recording(name)
    return next(int(one["end"]) for one in known["scenes"] if one["name"] == scene)

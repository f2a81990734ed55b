"""JSON that is nested too deeply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from taskyard.core.api_object import MAX_LEVELS
from taskyard.watchcache import nesting


def nested(levels: int, *, inner: str = "1", kind: str = "{}") -> str:
    begin, end = ('{"a":', "}") if kind == "{}" else ("[", "]")
    return begin * levels + inner + end * levels


@pytest.mark.parametrize("kind", ["{}", "[]"])
@pytest.mark.parametrize("levels", [MAX_LEVELS + 1, 1_000, 9_999])
def test_what_is_too_deep_is_cut_off_and_all_else_is_kept(levels: int, kind: str) -> None:
    tricky = {"text": 'a "quoted" [text] \\ {', "after": [1, {"b": None}], "\\": "]"}
    raw = f'{{"before":{json.dumps(tricky)},"deep":{nested(levels, kind=kind)},"after":{json.dumps(tricky)}}}'.encode()
    found = nesting.cut(raw)
    assert nesting.is_cut(found)
    kept: Any = json.loads(found)
    assert (kept["before"], kept["after"]) == (tricky, tricky)
    inner, depth = kept["deep"], 1
    while isinstance(inner, dict | list):
        inner, depth = inner["a"] if isinstance(inner, dict) else inner[0], depth + 1
    assert depth == MAX_LEVELS


@pytest.mark.parametrize("levels", [1, MAX_LEVELS])
def test_what_is_not_too_deep_stays_as_it_is(levels: int) -> None:
    raw = nested(levels).encode()
    assert nesting.cut(raw) == raw
    assert not nesting.is_cut(raw)

"""Patterns are compiled when they are first used, and are patterns from then on."""

from __future__ import annotations

import re

import pytest

from taskyard.lazypattern import pattern


def test_it_is_the_pattern_that_re_would_compile() -> None:
    lazy, compiled = pattern(r"(\w)B", re.IGNORECASE), re.compile(r"(\w)B", re.IGNORECASE)
    for _ in range(2):
        assert lazy.sub(r"<\1>", "ab xB b") == compiled.sub(r"<\1>", "ab xB b") == "<a> <x> b"
        found = lazy.search("  ab")
        assert found is not None
        assert found.re is compiled
    assert (lazy.pattern, lazy.flags) == (compiled.pattern, compiled.flags)
    assert pattern(rb"\d+").findall(b"1 22") == [b"1", b"22"]


def test_nothing_is_compiled_before(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(re, "compile", lambda text, flags: asked.append(text) or re._compiler.compile(text, flags))  # type: ignore[attr-defined, func-returns-value]
    lazy = pattern("abc")
    assert asked == []
    assert lazy.match("abc")
    assert lazy.match("abcd")
    assert asked == ["abc"]

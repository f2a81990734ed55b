"""Modules that stand in for others, for a while."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from taskyard.sidecar.left_out import without


def test_whoever_comes_later_gets_the_real_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with without({"colorsys": SimpleNamespace(rgb_to_hsv="stand-in")}):
        from colorsys import rgb_to_hsv as early
    from colorsys import rgb_to_hsv as late

    assert early == "stand-in"
    assert callable(late)


def test_a_module_that_is_loaded_stays() -> None:
    real = sys.modules["json"]
    with without({"json": SimpleNamespace()}):
        assert sys.modules["json"] is real
    assert sys.modules["json"] is real


def test_after_an_error_no_stand_in_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with pytest.raises(ImportError), without({"colorsys": SimpleNamespace()}):
        import taskyard.nothing_of_that_name  # noqa: F401
    assert "colorsys" not in sys.modules

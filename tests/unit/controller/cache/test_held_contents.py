"""What is held of contents: within bytes of all, and of one namespace."""

from __future__ import annotations

import pytest

from taskyard.controller.cache.held_contents import HeldContents


def test_the_least_recently_used_go_first() -> None:
    held = HeldContents(most=30, each=30)
    for uid in "abc":
        held.hold("team", uid, b"x" * 10)
    assert held.get("a") == b"x" * 10
    held.hold("team", "d", b"y" * 10)
    assert (held.get("b"), held.bytes) == (None, 30)
    assert all(held.get(uid) for uid in "acd")


def test_a_namespace_with_many_puts_out_its_own_and_nobody_elses() -> None:
    held = HeldContents(most=100, each=30)
    held.hold("team", "a", b"a" * 30)
    for number in range(50):
        held.hold("full", f"f{number}", b"f" * 10)
    assert held.get("a") == b"a" * 30
    assert [uid for uid in range(50) if held.get(f"f{uid}")] == [47, 48, 49]
    assert held.bytes == 60


def test_many_namespaces_put_out_what_was_not_used_the_longest() -> None:
    held = HeldContents(most=100, each=30)
    for number in range(10):
        held.hold(f"n{number}", f"u{number}", b"x" * 30)
    assert [number for number in range(10) if held.get(f"u{number}")] == [7, 8, 9]
    assert held.bytes == 90 <= 100


@pytest.mark.parametrize("size", [31, 101], ids=["more than a namespace may have", "more than all may"])
def test_what_is_too_large_is_not_held_nor_what_was_held_of_it(size: int) -> None:
    held = HeldContents(most=100, each=30)
    held.hold("team", "a", b"a" * 10)
    held.hold("team", "a", b"b" * size)
    assert (held.get("a"), held.bytes) == (None, 0)


def test_newer_content_takes_the_place_of_the_older() -> None:
    held = HeldContents(most=100, each=100)
    held.hold("team", "a", b"a" * 40)
    held.hold("team", "a", b"b" * 20)
    assert (held.get("a"), held.bytes) == (b"b" * 20, 20)
    held.drop("a")
    held.drop("a")
    assert (held.get("a"), held.bytes, held._lines, held._shares) == (None, 0, {}, {})

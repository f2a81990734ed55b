from __future__ import annotations

from taskyard.controller.cache.held_removals import COUNTED, HeldRemovals
from unit.core.builders import at

WEB, API = ("team", "web"), ("team", "api")


def test_what_is_refused_is_tried_again_after_ten_minutes() -> None:
    held = HeldRemovals()
    held.hold(WEB, now=at(0))
    assert held.holds(WEB, now=at(599)) and not held.holds(WEB, now=at(600))
    assert not held.holds(API, now=at(0))


def test_a_clock_that_is_set_back_holds_nothing_for_longer() -> None:
    held = HeldRemovals()
    held.hold(WEB, now=at(3600))
    assert not held.holds(WEB, now=at(0))


def test_what_makes_room_is_followed_by_another_after_half_a_minute() -> None:
    held = HeldRemovals(COUNTED)
    held.hold(WEB, now=at(0))
    assert held.holds(WEB, now=at(29)) and not held.holds(WEB, now=at(30))
    held.hold(WEB, now=at(3600))
    assert not held.holds(WEB, now=at(0)), "a clock that was set back"

"""Which sinks are served, and what it costs to know."""

from __future__ import annotations

import random
from dataclasses import replace

from taskyard.core.notifications.sink_view import SinkView, seniority
from taskyard.limits import MAX_SINKS
from taskyard.notifier.places import Places
from unit.core.builders import at
from unit.core.notifications.notified import sink


def places(*sinks: SinkView) -> Places:
    found = Places()
    for each in sinks:
        found.put(each)
    return found


def numbered(number: int, *, created: float = 0, deleting: bool = False) -> SinkView:
    return sink(name=f"s{number}", uid=str(number), created=created, deleting=deleting)


def names(found: Places) -> list[str]:
    return [name for _, name in found.of("team")]


def test_the_eight_oldest_have_a_place_in_whatever_order_they_come() -> None:
    sinks = [numbered(number, created=number) for number in range(MAX_SINKS + 2)]
    random.Random(1).shuffle(sinks)
    found = places(*sinks)
    assert names(found) == [f"s{number}" for number in range(MAX_SINKS)]
    assert [each.name for each in sorted(sinks, key=seniority) if found.has(each)] == names(found)
    assert found.of("elsewhere") == []


def test_of_the_same_age_the_names_decide() -> None:
    assert names(places(*(sink(name=name, uid=name) for name in "ihgfedcba"))) == list("abcdefgh")


def test_a_sink_that_goes_gives_its_place_to_the_next() -> None:
    sinks = [numbered(number, created=number) for number in range(MAX_SINKS + 1)]
    found = places(*sinks)
    found.put(replace(sinks[3], deleting=True))
    assert "s3" not in names(found) and "s8" in names(found) and not found.has(sinks[3])
    found.remove(("team", "s0"))
    assert names(found) == [f"s{number}" for number in (1, 2, 4, 5, 6, 7, 8)]
    found.remove(("team", "s0"))
    for each in sinks:
        found.remove(("team", each.name))
    assert names(found) == []


def test_another_sink_of_the_name_has_the_place_of_its_own_age() -> None:
    sinks = [numbered(number, created=number) for number in range(MAX_SINKS + 1)]
    found = places(*sinks)
    found.put(replace(sinks[0], uid="another", created_at=at(100)))
    assert names(found) == [f"s{number}" for number in range(1, MAX_SINKS + 1)]
    assert not found.has(sinks[0])

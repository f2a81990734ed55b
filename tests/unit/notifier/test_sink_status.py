"""What is written into the status of a sink, and what is not."""

from __future__ import annotations

import asyncio

from taskyard.api.notificationsink import EVENTS
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.resources import NOTIFICATION_SINKS
from taskyard.core.times import rfc3339
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.sink_status import SinkStatus
from unit.core.builders import at
from unit.notifier.telling import Object, Telling, sink_manifest
from unit.virtual_time import in_no_time

DOWN = DeliveryError("DeliveryFailed", "it answered 500")
TOO_LARGE = DeliveryError("DeliveryFailed", "it answered 413", is_of_message=True)


def prepared() -> tuple[Telling, SinkStatus]:
    telling = Telling()
    telling.write(NOTIFICATION_SINKS, sink_manifest())
    return telling, SinkStatus(telling.cluster, telling.cache, clock=telling.clock)


def known(telling: Telling) -> SinkView:
    (sink,) = telling.cache.sinks_of("team")
    return sink


def status(telling: Telling) -> Object:
    return telling.cluster.objects["notificationsinks", "hook"]["status"]  # type: ignore[no-any-return]


def test_what_the_status_says_already_is_not_written() -> None:
    async def work() -> None:
        telling, writer = prepared()
        for _ in range(3):
            await writer.ready(known(telling), False, "DeliveryFailed", "it answered 500")
        assert len(telling.cluster.writes) == 1
        await writer.ready(known(telling), False, "DeliveryFailed", "it answered 401")
        assert len(telling.cluster.writes) == 2
        # The spec has changed: the condition is about the new one.
        telling.change(NOTIFICATION_SINKS, "hook", {"spec": {"maxPerMinute": 5}})
        await writer.ready(known(telling), False, "DeliveryFailed", "it answered 401")
        assert len(telling.cluster.writes) == 3 and status(telling)["observedGeneration"] == 2

    in_no_time(work())


def test_the_time_of_a_transition_is_that_of_the_status() -> None:
    async def work() -> None:
        telling, writer = prepared()
        await writer.ready(known(telling), False, "SecretMissing", "there is none")
        await asyncio.sleep(60)
        await writer.ready(known(telling), False, "KeyMissing", "there is no key")
        (condition,) = status(telling)["conditions"]
        assert condition["lastTransitionTime"] == "2026-01-31T12:00:00Z"
        await writer.ready(known(telling), True, "Configured", "it is well")
        (condition,) = status(telling)["conditions"]
        assert condition["lastTransitionTime"] == "2026-01-31T12:01:00Z"

    in_no_time(work())


def test_a_test_is_told_with_the_condition() -> None:
    async def work() -> None:
        telling, writer = prepared()
        await writer.tested(known(telling), "1", DOWN)
        assert status(telling)["test"]["requested"] == "1" and status(telling)["test"]["message"] == "it answered 500"
        assert telling.ready() == ("False", "DeliveryFailed")
        await writer.tested(known(telling), "2", DOWN)
        assert status(telling)["test"]["requested"] == "2" and "failingSince" in status(telling)
        await writer.tested(known(telling), "3", None)
        assert telling.ready() == ("True", "Delivered") and "failingSince" not in status(telling)

    in_no_time(work())


def test_since_when_the_receiver_takes_nothing_is_kept_until_it_answers() -> None:
    async def work() -> None:
        telling, writer = prepared()
        await writer.not_taken(known(telling), TOO_LARGE)
        assert "failingSince" not in status(telling)
        await asyncio.sleep(60)
        await writer.not_taken(known(telling), DOWN)
        assert status(telling)["failingSince"] == rfc3339(at(60)) and known(telling).failing_since == at(60)
        await asyncio.sleep(60)
        await writer.not_taken(known(telling), DeliveryError("SecretMissing", "there is none"))
        await writer.ready(known(telling), True, "Configured", "it is well")
        assert status(telling)["failingSince"] == rfc3339(at(60)), "nothing was taken yet"
        await writer.not_taken(known(telling), TOO_LARGE)
        assert "failingSince" not in status(telling)
        await writer.not_taken(known(telling), DOWN)
        await writer.taken(known(telling))
        assert "failingSince" not in status(telling) and telling.ready() == ("True", "Delivered")

    in_no_time(work())


def test_what_is_selected_is_written_with_the_condition_when_it_is_new() -> None:
    async def work() -> None:
        telling, writer = prepared()
        await writer.ready(known(telling), True, "Configured", "it is well")
        first = {"since": rfc3339(at(-60)), "events": list(EVENTS)}
        assert status(telling)["selections"] == [first]
        await asyncio.sleep(60)
        telling.change(NOTIFICATION_SINKS, "hook", {"spec": {"links": "https://x.test"}})
        await writer.ready(known(telling), True, "Configured", "it is well")
        assert status(telling)["selections"] == [first]
        telling.change(NOTIFICATION_SINKS, "hook", {"spec": {"selector": {"matchLabels": {"team": "a"}}}})
        await writer.ready(known(telling), True, "Configured", "it is well")
        second = {"since": rfc3339(at(60)), "events": list(EVENTS), "selector": {"matchLabels": {"team": "a"}}}
        assert status(telling)["selections"] == [first, second]
        written = len(telling.cluster.writes)
        await writer.ready(known(telling), True, "Configured", "it is well")
        assert len(telling.cluster.writes) == written

    in_no_time(work())


def test_a_sink_that_is_gone_or_another_one_is_not_written() -> None:
    async def work() -> None:
        telling, writer = prepared()
        former = known(telling)
        telling.cluster.hold(NOTIFICATION_SINKS, sink_manifest(uid="another"))
        await writer.ready(former, True, "Configured", "it is well")
        assert telling.cluster.writes == []
        telling.cluster.objects.clear()
        await writer.ready(former, True, "Configured", "it is well")
        assert telling.cluster.writes == [] and writer.newest(former) == former

    in_no_time(work())

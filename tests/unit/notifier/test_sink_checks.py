"""What a worker finds out about its sink: the address, the Secret, a test message. Hours pass in no time."""

from __future__ import annotations

import asyncio

import pytest

from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, WORKSPACE_BUILDS
from taskyard.notifier.fault import DeliveryError
from unit.notifier.telling import FORBIDDEN, Telling, failing, paused, sink_manifest, stop, told_task
from unit.virtual_time import gaps, in_no_time


def test_a_test_message_is_not_sent_again_while_it_cannot_be_written_down() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.cluster.failures = [FORBIDDEN] * 5
        telling.write(NOTIFICATION_SINKS, sink_manifest(test="1"))
        await asyncio.sleep(600)
        assert telling.receiver.events() == ["Test"]
        assert telling.cluster.objects["notificationsinks", "hook"]["status"]["test"]["requested"] == "1"
        telling.change(NOTIFICATION_SINKS, "hook", {"metadata": {"annotations": {"taskyard.dev/test": "2"}}})
        await asyncio.sleep(1)
        assert telling.receiver.events() == ["Test", "Test"] and len(set(telling.receiver.ids)) == 2

    in_no_time(work())


@pytest.mark.parametrize("reason", ["SecretForbidden", "SecretMissing", "KeyMissing", "AddressRefused", "KeyInvalid"])
def test_what_a_change_of_the_secret_heals_is_looked_at_each_minute(reason: str) -> None:
    async def work() -> None:
        telling = Telling()
        looks: list[float] = []

        def address(sink: object) -> None:
            looks.append(asyncio.get_running_loop().time())
            if len(looks) < 20:
                raise DeliveryError(reason, "it cannot be read")

        telling.receiver.address = address
        telling.begin()
        paused(telling)
        await asyncio.sleep(300)
        assert telling.ready() == ("False", reason) and telling.receiver.events() == []
        await asyncio.sleep(1200)
        assert max(gaps(looks[:20])) <= 61
        assert telling.ready() == ("True", "Delivered") and telling.receiver.events() == ["Paused"]

    in_no_time(work())


@pytest.mark.parametrize("reason", ["SecretMissing", "AddressRefused"])
def test_the_condition_heals_though_nothing_is_left_to_tell(reason: str) -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest())
        await asyncio.sleep(1)
        assert telling.ready() == ("True", "Configured")
        telling.receiver.address = failing(DeliveryError(reason, "it cannot be read"))
        telling.write(TASKS, told_task(phase="Paused", build=2))
        telling.write(WORKSPACE_BUILDS, stop(2))
        await asyncio.sleep(5)
        assert telling.ready() == ("False", reason)
        telling.remove(TASKS, "web")
        telling.receiver.address = lambda sink: None
        await asyncio.sleep(130)
        assert telling.ready() == ("True", "Configured") and telling.receiver.events() == []

    in_no_time(work())


def test_a_test_that_found_no_secret_is_not_the_last_look_at_it() -> None:
    async def work() -> None:
        telling = Telling()
        telling.receiver.address = failing(DeliveryError("SecretMissing", "there is none"))
        telling.begin()
        telling.write(NOTIFICATION_SINKS, sink_manifest(test="1"))
        await asyncio.sleep(100)
        assert telling.ready() == ("False", "SecretMissing")
        telling.receiver.address = lambda sink: None
        await asyncio.sleep(61)
        assert telling.ready() == ("True", "Configured") and telling.receiver.events() == []

    in_no_time(work())


def test_an_address_that_can_be_read_does_not_refute_a_message_that_was_not_taken() -> None:
    """After a restart, say."""

    async def work() -> None:
        telling = Telling()
        condition = {
            "type": "Ready",
            "status": "False",
            "reason": "DeliveryFailed",
            "message": "it answered 401",
            "lastTransitionTime": "2026-01-31T11:00:00Z",
        }
        sink = sink_manifest() | {"status": {"observedGeneration": 1, "conditions": [condition]}}
        telling.write(NOTIFICATION_SINKS, sink)
        telling.begin()
        await asyncio.sleep(3600)
        assert telling.cluster.writes == [] and telling.ready() == ("False", "DeliveryFailed")

    in_no_time(work())

"""The notifier is killed at random moments, between sending and writing down too: what is promised arrives, in order,
and what arrives twice has the same id."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import pytest

from integration.notifier.conftest import Enter
from integration.notifier.namespacesinks import NamespaceSinks
from integration.notifier.notifierprocess import NotifierProcess
from integration.notifier.receivers import Received, WebhookReceiver
from integration.notifier.toldtask import ToldTask
from kube import Kube

SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 14))]
# The last state is none of these: one that was told before would not be told again.
STATES = ("Working", "Idle", "Failed")
KILLS = 6


class Killer:
    """Kills a notifier, also while its receiver has a message of it."""

    def __init__(self, notifier: NotifierProcess, chance: random.Random) -> None:
        self._notifier = notifier
        self._chance = chance
        self._deciding = threading.Lock()
        self.kills = 0

    def answer(self, event: dict[str, Any]) -> int:
        """What the receiver does with a message: now and then it fails, or the notifier dies before the answer, or
        right after it."""
        with self._deciding:
            dice = self._chance.random()
            is_over = self.kills >= KILLS
            if not is_over and dice < 0.25:
                self._kill()
            elif not is_over and dice < 0.5:
                threading.Timer(self._chance.uniform(0, 0.02), self._kill).start()
        return 500 if dice > 0.9 else 204

    def run(self, is_done: threading.Event) -> None:
        """Until the work is done and all kills were made: restarts it whenever it is dead, and kills it by itself."""
        while not is_done.is_set() or self.kills < KILLS:
            if not self._notifier.is_running:
                self._notifier.start()
            # Long enough, now and then, for a state to settle.
            end = time.monotonic() + self._chance.uniform(0.5, 8)
            while time.monotonic() < end and self._notifier.is_running:
                time.sleep(0.05)
            self._kill()

    def _kill(self) -> None:
        self.kills += 1
        self._notifier.kill()


def live(task: ToldTask, chance: random.Random) -> None:
    """Some builds with some states each; the last thing is a state that stays."""
    task.start()
    for _ in range(3):
        for _ in range(chance.randint(1, 4)):
            task.report(chance.choice(STATES))
            time.sleep(chance.choice((0.05, 0.5, 4)))
        task.stop(chance.choice(("ManualPause", "AutoPause")))
        time.sleep(chance.uniform(0, 2))
        task.start("Resume")
    task.report("Working")
    task.report("Complete", "the end")


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_promised_arrives_in_order_whenever_the_notifier_is_killed(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, enter: Enter, seed: int
) -> None:
    notifier = enter()
    notifier.begin()
    sinks.add("hook", receiver.url)
    killer, is_done = Killer(notifier, random.Random(seed)), threading.Event()
    receiver.answer = killer.answer
    tasks = [ToldTask(kube, namespace, f"t{number}") for number in range(3)]
    lives = [
        threading.Thread(target=live, args=(task, random.Random(100 * seed + number)), daemon=True)
        for number, task in enumerate(tasks)
    ]
    killing = threading.Thread(target=killer.run, args=(is_done,), daemon=True)
    for thread in (*lives, killing):
        thread.start()
    for thread in lives:
        thread.join(120)
    is_done.set()
    killing.join(120)
    assert killer.kills >= KILLS
    if not notifier.is_running:
        notifier.start()
    for task in tasks:
        promised = {one for one in task.history if not one[2]} | {task.history[-1]}
        receiver.wait(
            f"all of {task.name}", lambda task=task, promised=promised: promised <= set(told(receiver, task)), 90
        )
        kube.wait(
            "it is on record",
            "tasks",
            namespace,
            task.name,
            lambda found: found["status"]["notifications"][0].get("sent", {}).get("event") == "Complete",
        )
    for task in tasks:
        assert_in_order(task, [one for one in receiver.taken if one.task == task.name])
    assert "Traceback" not in notifier.log, notifier.log


def told(receiver: WebhookReceiver, task: ToldTask) -> list[tuple[str, int, str]]:
    """What was taken of a Task, as its history has it."""
    return [as_history(one) for one in receiver.taken if one.task == task.name]


def as_history(one: Received) -> tuple[str, int, str]:
    is_of_build = one.name in ("Paused", "Resumed")
    return one.name, int(one.event["data"]["build"]), "" if is_of_build else str(one.event["time"])


def assert_in_order(task: ToldTask, taken: list[Received]) -> None:
    places = [task.history.index(as_history(one)) for one in taken]
    assert places == sorted(places), [as_history(one) for one in taken]
    ids = {}
    for place, one in zip(places, taken, strict=True):
        assert ids.setdefault(place, one.id) == one.id
    assert len(set(ids.values())) == len(ids)

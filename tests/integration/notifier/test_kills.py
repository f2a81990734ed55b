"""The notifier is killed at random moments, between sending and writing down too: what is promised arrives, in order,
and what arrives twice has the same id."""

from __future__ import annotations

import itertools
import random
import threading
import time
from typing import Any

import pytest

from integration.notifier.conftest import Enter
from integration.notifier.namespacesinks import NamespaceSinks
from integration.notifier.notifierprocess import NotifierProcess
from integration.notifier.receivers import Received, WebhookReceiver
from integration.notifier.toldtask import Happened, ToldTask
from kube import Kube
from taskyard.core import times

SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 14))]
# The last state is none of these: one that was told before would not be told again.
STATES = ("Working", "Idle", "Failed")
OF_BUILDS = ("Paused", "Resumed")
# Many Tasks at once, so that much happens in little time.
TASKS = 6
ROUNDS = 2
KILLS = 6
# Between two things that happen: some are overtaken, others last for as long as it takes to tell them.
PAUSES = (0.05, 0.5, 3.5)


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
            end = time.monotonic() + self._chance.uniform(0.5, 5)
            while time.monotonic() < end and self._notifier.is_running:
                time.sleep(0.05)
            self._kill()

    def _kill(self) -> None:
        self.kills += 1
        self._notifier.kill()


class Life:
    """What becomes of a Task: some builds, with some states, questions and errors each."""

    def __init__(self, task: ToldTask, chance: random.Random) -> None:
        self.task = task
        self._chance = chance
        self._asked = 0

    def run(self) -> None:
        """What is so in the end stays: a state, a question, and of every other Task an error."""
        task, chance = self.task, self._chance
        task.start()
        for _ in range(ROUNDS):
            for _ in range(chance.randint(1, 3)):
                if chance.random() < 0.4:
                    self._ask()
                else:
                    task.report(chance.choice(STATES))
                time.sleep(chance.choice(PAUSES))
            if chance.random() < 0.4:
                task.fail("ImagePullBackOff", "The image is not there")
                time.sleep(chance.choice(PAUSES))
            task.stop(chance.choice(("ManualPause", "AutoPause")))
            time.sleep(chance.uniform(0, 1))
            task.start("Resume")
        task.report("Working")
        self._ask()
        task.report("Complete", "the end")
        if task.name[-1] in "13579":
            task.fail("HomeGone", "The home is not there")

    def _ask(self) -> None:
        self.task.ask(None)
        self._asked += 1
        self.task.ask(
            f"The agent asks: Delete it? Answer with a TaskInput that has this id in spec.answers: q-{self._asked}"
        )

    @property
    def promised(self) -> set[Happened]:
        """Pauses and resumes, and what is true in the end."""
        last = {one.event: one for one in self.task.history}
        in_the_end = {last["Complete"], last["InputRequired"]}
        if self.task.history[-1].event == "Error":
            in_the_end.add(last["Error"])
        return in_the_end | {one for one in self.task.history if one.event in OF_BUILDS}

    def is_on_record(self, found: dict[str, Any]) -> bool:
        """Whether the status says that what is true in the end was told."""
        (told,) = found["status"].get("notifications", [{}])
        last = self.task.history[-1]
        return (
            (told.get("state"), told.get("question")) == ("Complete", f"q-{self._asked}")
            and (last.event != "Error" or told.get("error") == last.second)
            and "failing" not in told
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_promised_arrives_in_order_whenever_the_notifier_is_killed(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, enter: Enter, seed: int
) -> None:
    notifier = enter()
    notifier.begin()
    sinks.add("hook", receiver.url, maxPerMinute=600)
    killer, is_done = Killer(notifier, random.Random(seed)), threading.Event()
    receiver.answer = killer.answer
    lives = [
        Life(ToldTask(kube, namespace, f"t{number}"), random.Random(100 * seed + number)) for number in range(TASKS)
    ]
    living = [threading.Thread(target=life.run, daemon=True) for life in lives]
    killing = threading.Thread(target=killer.run, args=(is_done,), daemon=True)
    for thread in (*living, killing):
        thread.start()
    for thread in living:
        thread.join(120)
    is_done.set()
    killing.join(120)
    assert killer.kills >= KILLS
    if not notifier.is_running:
        notifier.start()
    for life in lives:
        task = life.task
        receiver.wait(
            f"all of {task.name}",
            lambda life=life: life.promised <= {as_history(one) for one in of(receiver, life)},
            90,
        )
        kube.wait("it is on record", "tasks", namespace, task.name, life.is_on_record)
    for life in lives:
        assert_in_order(life.task, of(receiver, life))
    happened = {one.event for life in lives for one in life.task.history}
    assert happened == {*STATES, *OF_BUILDS, "Complete", "InputRequired", "Error"}
    assert "Traceback" not in notifier.log, notifier.log


def of(receiver: WebhookReceiver, life: Life) -> list[Received]:
    """What was taken of a Task."""
    return [one for one in receiver.taken if one.task == life.task.name]


def as_history(one: Received) -> Happened:
    data, key = one.event["data"], times.micro(times.parse(one.event["time"]))
    if one.name in OF_BUILDS:
        key = ""
    elif one.name == "InputRequired":
        key = data["question"]["id"]
    return Happened(one.name, int(data["build"]), key)


def assert_in_order(task: ToldTask, taken: list[Received]) -> None:
    """What came twice has the same id, and nothing else has. Of the same second a state comes before a question."""
    history = task.history
    places = [history.index(as_history(one)) for one in taken]
    for earlier, later in itertools.combinations(places, 2):
        one, other = history[earlier], history[later]
        is_of_same_second = one.build == other.build and one.second == other.second != ""
        assert earlier <= later or is_of_same_second, [as_history(one) for one in taken]
    ids: dict[int, str] = {}
    for place, received in zip(places, taken, strict=True):
        assert ids.setdefault(place, received.id) == received.id
    assert len(set(ids.values())) == len(ids)

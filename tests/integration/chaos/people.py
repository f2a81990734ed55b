"""The actions of users on their Tasks: a script for each Task that depends only on the seed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from random import Random

import manifests
from integration.chaos.dice import Dice
from integration.chaos.retrying_client import RetryingKube
from integration.chaos.schedule import Schedule
from kube import Object

VERSION = "shell-v1"
# Applied in the middle of a run: Tasks that name this version wait for it.
LATE_VERSION = "shell-v2"
# Its active version is first the one, later the other.
TEMPLATE = "shell"

ACTIONS = {
    "pause": 4,
    "resume": 6,
    "flip-flop": 2,
    "prompt": 8,
    "prompt that wakes": 2,
    "keystroke": 1,
    "wake": 1,
    "edit the prompt": 2,
    "delete": 1,
    "replace": 1,
}


class People:
    """Schedules `tasks` scripts over `seconds`."""

    def __init__(self, kube: RetryingKube, namespace: str, dice: Dice, schedule: Schedule) -> None:
        self._kube = kube
        self._namespace = namespace
        self._dice = dice
        self._schedule = schedule
        self._inputs: Counter[str] = Counter()
        self.did: Counter[str] = Counter()

    def prepare(self) -> None:
        """Creates the objects that exist from the start."""
        self._create("templateversions", manifests.template_version(VERSION))
        self._create("templates", manifests.template(VERSION, name=TEMPLATE))

    def begin(self, *, tasks: int, seconds: float) -> None:
        """Schedules all actions; a Task's actions follow the order of its script."""
        self._schedule.after(seconds / 2, self._roll_out)
        for index in range(tasks):
            dice = self._dice.of("task", index)
            name = f"task-{index}"
            times = sorted(dice.uniform(0, seconds) for _ in range(dice.randint(2, 8)))
            actions = dice.choices(list(ACTIONS), weights=list(ACTIONS.values()), k=len(times) - 1)
            script = list(zip(times, ["create", *actions], strict=True))
            self._schedule.after(script[0][0], partial(self._play, name, script, dice))

    def _roll_out(self) -> None:
        """Creates the late version, and makes it the Template's active version."""
        self._create("templateversions", manifests.template_version(LATE_VERSION))
        path = self._kube.path("templates", self._namespace, TEMPLATE)
        self._kube.send("PATCH", path, {"spec": {"activeVersion": LATE_VERSION}})

    def _play(self, name: str, script: list[tuple[float, str]], dice: Random) -> None:
        """Performs the first action of a script and schedules the rest."""
        (at, action), rest = script[0], script[1:]
        self.did[action] += 1
        self._do(name, action, dice)
        if rest:
            self._schedule.after(rest[0][0] - at, lambda: self._play(name, rest, dice))

    def _do(self, name: str, action: str, dice: Random) -> None:
        match action:
            case "create":
                self._create("tasks", new_task(name, dice))
            case "pause" | "resume":
                self._patch(name, {"spec": {"paused": action == "pause"}})
            case "flip-flop":
                for turn in range(dice.randint(3, 8)):
                    self._patch(name, {"spec": {"paused": turn % 2 == 0}})
            case "prompt":
                self._input(name)
            case "prompt that wakes":
                self._input(name, resume=True)
            case "keystroke":
                self._input(name, type="Raw")
            case "wake":
                now = datetime.now(UTC).isoformat()
                self._patch(name, {"metadata": {"annotations": {"taskyard.dev/resumed-at": now}}})
            case "edit the prompt":
                # Refused unless the Task is paused at that moment.
                self._patch(name, {"spec": {"prompt": f"echo {dice.random()}"}})
            case "delete":
                self._delete(name)
            case "replace":
                self._delete(name)
                self._create("tasks", new_task(name, dice))

    def _input(self, task: str, **spec: object) -> None:
        self._inputs[task] += 1
        name = f"{task}-input-{self._inputs[task]}"
        self._create("taskinputs", manifests.task_input(name, f"message {name}", task=task, **spec))

    def _create(self, plural: str, manifest: Object) -> None:
        self._kube.send("POST", self._kube.path(plural, self._namespace), manifest)

    def _patch(self, name: str, patch: Object) -> None:
        self._kube.send("PATCH", self._kube.path("tasks", self._namespace, name), patch)

    def _delete(self, name: str) -> None:
        self._kube.send("DELETE", self._kube.path("tasks", self._namespace, name))


def new_task(name: str, dice: Random) -> Object:
    """A Task; some have a special field."""
    throw = dice.random()
    spec: dict[str, object] = {"prompt": f"echo {name}"}
    if throw < 0.1:
        spec["paused"] = True
    elif throw < 0.2:
        spec["idleTimeout"] = "2s"
    elif throw < 0.25:
        spec["maxRuntime"] = "4s"
    elif throw < 0.3:
        spec["templateVersion"] = LATE_VERSION
    elif throw < 0.5:
        spec["template"] = TEMPLATE
    return manifests.task(name, **spec)

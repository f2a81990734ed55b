"""An upgrade from version 0.1 while there are Tasks: one that runs, one that is paused, one that messages wait for.

Version 0.1 is installed with its chart and its CRDs, the Tasks are made, and this tree is installed over it. Pictures
are taken before and after; then the Tasks go on.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import manifests
import taskyard
from e2e import acp_agent, rest_access, task_picture, tier
from e2e.kubectl_namespace import KubectlNamespace
from e2e.task_picture import SIDECAR, TaskPicture
from kube import Kube, phase_is
from localcluster import history, images, install, locations, target

pytestmark = pytest.mark.alone

Object = dict[str, Any]
EXAMPLE = locations.REPOSITORY / "deploy" / "examples" / "01-shell" / "templateversion.yaml"
RELEASE, RELEASED_VERSION = "1c67f35ad11353082cfb7d4c5aaa731b8e7dce18", "0.1.0"
RUNS, RESTS, ASKS = TASKS = ("runs", "rests", "asks")
REPORT = "/taskyard/bin/taskyard-report"
# The home tells what was typed, whatever the conversation says.
PROMPT = "echo $(hostname) >> prompts; echo it begins with $((1 + 1))"
WORK = f"{REPORT} output answer=42; {REPORT} complete 'it is done'; echo the sum is $((40 + 2))"
LATER = "echo it is woken $((1 + 0)) time"
QUEUED = ("then this", "and this in the end")


@dataclass(frozen=True)
class Upgrade:
    """The Tasks' namespace, Taskyard's images, and how each Task was before and after."""

    ns: KubectlNamespace
    old_image: str
    new_image: str
    before: dict[str, TaskPicture]
    after: dict[str, TaskPicture]


@pytest.fixture(scope="module")
def upgrade(installation: Path, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgrade]:
    if reason := history.missing(RELEASE):
        tier.give_up(f"e2e tier, upgrade: {reason}")
    place, folder = target.chosen({}), tmp_path_factory.mktemp("release")
    with tier.steps():
        history.export(RELEASE, folder, "charts/taskyard")
        old = images.ensure_release(RELEASE)
        images.load(old)
        new_image = target.bring_up(place)
    ns = KubectlNamespace(installation, kube, f"e2e-{uuid.uuid4().hex[:8]}")
    ns.create()
    try:
        token = rest_access.grant(ns)
        try:
            with tier.steps():
                install.install(place, old.names[0], chart=folder / "charts" / "taskyard")
            make_tasks(ns)
            before = take_pictures(ns, token)
        finally:
            # Whatever has happened: other tests need this tree on the cluster.
            with tier.steps():
                install.install(place, new_image, values=tier.VALUES)
        wait_until_looked_at(ns, old.names[0])
        yield Upgrade(ns, old.names[0], new_image, before, take_pictures(ns, token))
    finally:
        ns.remove()


def make_tasks(ns: KubectlNamespace) -> None:
    """One that is done with its work, one that is paused, one that asks; messages wait for both of the latter."""
    shell = yaml.safe_load(EXAMPLE.read_text())
    del shell["metadata"]["namespace"]
    asking = acp_agent.version("asks-v1")
    shells = (manifests.task(name, templateVersion=shell["metadata"]["name"], prompt=PROMPT) for name in (RUNS, RESTS))
    ns.apply(shell, asking, *shells, manifests.task(ASKS, templateVersion="asks-v1", prompt="first this"))
    for name in (RESTS, RUNS):
        ns.wait_answer("it begins with 2", task=name)
        ns.wait_state("Idle", task=name)
        ns.say(f"{name}-work", WORK, task=name)
    for name in (RESTS, RUNS):
        ns.wait_answer("the sum is 42", task=name)
        ns.wait_state("Complete", task=name)
    ns.pause(True, task=RESTS)
    ns.wait("it asks", acp_agent.question, task=ASKS)
    for number, content in enumerate(QUEUED):
        ns.say(f"{ASKS}-{number}", content, task=ASKS)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused", task=RESTS)
    ns.say(f"{RESTS}-later", LATER, task=RESTS)
    ns.wait("a message waits", lambda status: status["inputs"]["queued"] == 1, task=RESTS)


def take_pictures(ns: KubectlNamespace, token: str) -> dict[str, TaskPicture]:
    """Of each Task, as soon as nothing changes any more."""
    with rest_access.client(ns, token=token) as client:
        return task_picture.at_rest(ns, TASKS, client)


def wait_until_looked_at(ns: KubectlNamespace, old_image: str) -> None:
    """Return once nothing of the old version runs in the installation, and the new operator has seen each Task."""
    end = time.monotonic() + 60
    while old_image in str(ns.kube.list("pods", install.NAMESPACE)):
        assert time.monotonic() < end, f"{old_image} still runs in {install.NAMESPACE}"
        time.sleep(0.5)
    for name in TASKS:
        # What the Tasks have already, so it makes no difference; but it is a new generation.
        ns.kubectl("patch", "task", name, "--type=merge", "-p", '{"spec":{"idleTimeout":"0s"}}')
        ns.kube.wait(
            "the operator has looked at it",
            "tasks",
            ns.name,
            name,
            lambda task: task["status"]["observedGeneration"] == task["metadata"]["generation"],
        )


@pytest.mark.parametrize("task", TASKS)
def test_nothing_restarts_is_lost_or_done_twice(upgrade: Upgrade, task: str) -> None:
    """Builds, Pods, containers, status, inputs, conversation in snapshot and sidecar, and the REST API's answers."""
    before, after = upgrade.before[task], upgrade.after[task]
    assert before.kept_in(after) == before


def test_the_tasks_were_such_as_the_test_is_about(upgrade: Upgrade) -> None:
    """What there was to lose."""
    runs, rests, asks = (upgrade.before[name] for name in TASKS)
    for picture in (runs, asks):
        [pod] = picture.pods
        assert pod["containers"][SIDECAR]["image"] == upgrade.old_image
        assert picture.status["workspace"]["sidecarVersion"] == RELEASED_VERSION
    assert (runs.status["state"]["state"], runs.status["state"]["message"]) == ("Complete", "it is done")
    for picture in (runs, rests):
        assert picture.status["outputs"] == [{"name": "answer", "value": "42"}]
    assert [message["content"] for message in runs.conversation if message["role"] == "user"] == [PROMPT, WORK]
    assert (rests.status["phase"], rests.pods) == ("Paused", [])
    assert rests.rest["logs"]["snapshot"] is True
    assert [entry["content"] for entry in rests.rest["logs"]["logs"] if entry["type"] == "input"] == [PROMPT, WORK]
    assert {entry["name"]: entry["phase"] for entry in rests.inputs} == {
        "rests-work": "Delivered",
        "rests-later": "Queued",
    }
    assert asks.status["conditions"]["InputRequired"]["status"] == "True"
    assert [entry["phase"] for entry in asks.inputs] == ["Queued", "Queued"]


def test_the_end_of_work_is_told_of_tasks_that_know_no_such_condition(upgrade: Upgrade) -> None:
    """K8: Succeeded, which was not there before."""
    for task, succeeded in ((RUNS, "True"), (RESTS, "True"), (ASKS, "Unknown")):
        assert "Succeeded" not in upgrade.before[task].status["conditions"]
        told = {"type": "Succeeded", "status": succeeded}.items()
        upgrade.ns.wait("it is told", lambda s, told=told: any(told <= c.items() for c in s["conditions"]), task=task)


def test_an_old_sidecar_takes_a_message_and_reports(upgrade: Upgrade) -> None:
    """From the new operator, and to the new gateway."""
    ns, before = upgrade.ns, upgrade.before[RUNS]
    more = f"{REPORT} output more=43; echo the product is $((6 * 7))"
    ns.say("runs-more", more, task=RUNS)
    ns.kube.wait("it is delivered", "taskinputs", ns.name, "runs-more", phase_is("Delivered"))
    ns.wait_answer("the product is 42", task=RUNS)
    both = [{"name": "answer", "value": "42"}, {"name": "more", "value": "43"}]
    ns.wait("its output is told", lambda status: status["outputs"] == both, task=RUNS)
    task = ns.wait_state("Idle", task=RUNS, build=1)
    assert task["status"]["workspace"]["sidecarVersion"] == RELEASED_VERSION
    log = ns.kubectl("get", "configmap", "runs-snapshot", "-o", r"jsonpath={.data.log\.txt}")
    assert "the sum is 42" in log and "the product is 42" in log
    [pod] = task_picture.pods(ns, RUNS)
    assert [pod] == before.pods
    assert pod["containers"][SIDECAR]["image"] == upgrade.old_image
    assert_goes_on(before.conversation, task_picture.messages(ns, "runs-1"), new=[more])


def test_messages_that_waited_are_delivered_once_and_in_order(upgrade: Upgrade) -> None:
    ns, before, answered = upgrade.ns, upgrade.before[ASKS], [None]
    for number in range(1 + len(QUEUED)):
        asking = ns.wait("it asks", lambda status: acp_agent.question(status) not in answered, task=ASKS)
        answered.append(acp_agent.question(asking["status"]))
        ns.say(f"asks-answer-{number}", "yes", task=ASKS, answers=answered[-1])
        ns.kube.wait("it is delivered", "taskinputs", ns.name, f"asks-answer-{number}", phase_is("Delivered"))
    ns.wait("no message waits", lambda status: status["inputs"]["queued"] == 0, task=ASKS)
    ns.wait_state("Idle", task=ASKS, build=1)
    heard = ns.inside("asks-1", "agent", "cat", acp_agent.HEARD).stdout
    assert acp_agent.prompts(heard) == ["first this", *QUEUED]
    assert task_picture.pods(ns, ASKS) == before.pods
    said = ["yes", QUEUED[0], "yes", QUEUED[1], "yes"]
    assert_goes_on(before.conversation, task_picture.messages(ns, "asks-1"), new=said)


def test_a_paused_task_goes_on_with_a_new_sidecar_where_the_old_one_ended(upgrade: Upgrade) -> None:
    ns = upgrade.ns
    ns.pause(False, task=RESTS)
    ns.kube.wait("it is delivered", "taskinputs", ns.name, "rests-later", phase_is("Delivered"), seconds=60)
    ns.wait_answer("it is woken 1 time", task=RESTS)
    assert_resumed(upgrade, RESTS, upgrade.before[RESTS].conversation, new=LATER)


def test_a_task_that_ran_is_paused_and_resumed(upgrade: Upgrade) -> None:
    ns = upgrade.ns
    before = task_picture.messages(ns, "runs-1")
    ns.pause(True, task=RUNS)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused", task=RUNS)
    assert ns.messages(RUNS) == before
    ns.pause(False, task=RUNS)
    ns.say("runs-again", "echo it goes on $((1 + 1)) times", task=RUNS)
    ns.wait_answer("it goes on 2 times", task=RUNS)
    assert_resumed(upgrade, RUNS, before, new="echo it goes on $((1 + 1)) times")


def assert_resumed(upgrade: Upgrade, name: str, before: list[Object], *, new: str) -> None:
    """The Task is in its third build and has the new version's sidecar, its home, its outputs and its conversation,
    to which one message was added."""
    ns = upgrade.ns
    task = ns.wait_state("Idle", task=name, build=3)
    assert task["status"]["workspace"]["sidecarVersion"] == taskyard.__version__
    assert {"name": "answer", "value": "42"} in task["status"]["outputs"]
    [pod] = task_picture.pods(ns, name)
    assert pod["containers"][SIDECAR]["image"] == upgrade.new_image
    assert ns.inside(pod["name"], "agent", "cat", "/home/agent/prompts").stdout == f"{name}-1\n"
    assert_goes_on(before, task_picture.messages(ns, pod["name"]), new=[new])


def assert_goes_on(before: list[Object], after: list[Object], *, new: list[str]) -> None:
    """Nothing of a conversation has changed, and it got these messages of the user's, once each."""
    assert after[: len(before)] == before
    assert [message["content"] for message in after[len(before) :] if message["role"] == "user"] == new
    assert [message["id"] for message in after] == list(range(before[0]["id"], before[0]["id"] + len(after)))

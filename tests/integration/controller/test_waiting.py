"""kubectl's waits of docs/operations.md, against Tasks that a real operator follows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import manifests
from integration.controller.kubelet import Kubelet, container
from integration.controller.test_start import become_active
from kube import Kube, condition, phase_is
from localcluster import programs
from localcluster.locations import REPOSITORY
from taskyard.gateway.sidecars.reports import Question, Report, status_change

pytestmark = pytest.mark.usefixtures("running")

PAGE = (REPOSITORY / "docs" / "operations.md").read_text()
WAITS = dict(re.findall(r"^\| ([^|]+) \| `(kubectl wait [^`]+)` \|$", PAGE, re.MULTILINE))
[EITHER_END] = re.findall(r"^```bash\n(kubectl wait .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMAND = {"container": "agent", "protocol": "Command"}


class Person:
    """Somebody with kubectl in the test's namespace."""

    def __init__(self, kubeconfig: Path, namespace: str, folder: Path) -> None:
        config = folder / "kubeconfig"
        config.write_bytes(kubeconfig.read_bytes())
        path = f"{Path(programs.kubectl()).parent}:{os.environ['PATH']}"
        self._environment = {**os.environ, "KUBECONFIG": str(config), "PATH": path}
        assert self.runs(f"kubectl config set-context --current --namespace {namespace}")[0] == 0

    @contextmanager
    def running(self, script: str) -> Iterator[subprocess.Popen[str]]:
        """The script in a bash of its own, ended with the block, and with it what it has left behind."""
        command = ["bash", "-c", script]
        with subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def runs(self, script: str) -> tuple[int, str]:
        """Exit status and output of the script."""
        with self.running(script) as process:
            output, _ = process.communicate(timeout=60)
            return process.returncode, output

    def waits(self, until: str) -> None:
        """Waits as the page says for it."""
        status, output = self.runs(WAITS[until])
        assert (status, "condition met" in output) == (0, True), f"{WAITS[until]}: {output}"

    def waits_in_vain(self, script: str) -> None:
        status, output = self.runs(f"{script} --timeout=1s 2>&1")
        assert (status, "timed out" in output) == (1, True), output


@pytest.fixture
def person(kubeconfig: Path, namespace: str, tmp_path: Path) -> Person:
    return Person(kubeconfig, namespace, tmp_path)


@pytest.fixture
def task(kube: Kube, kubelet: Kubelet, namespace: str) -> None:
    """A Task with an interactive agent that runs."""
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    become_active(kube, kubelet, namespace)


@pytest.fixture
def command(kube: Kube, kubelet: Kubelet, namespace: str) -> None:
    """A Task with a command that runs."""
    kube.create("templateversions", namespace, manifests.template_version(agent=COMMAND))
    kube.create("tasks", namespace, manifests.task())
    become_active(kube, kubelet, namespace)


def report(kube: Kube, namespace: str, state: str, **fields: Any) -> None:
    """Writes what the gateway writes for a sidecar's report."""
    found = kube.get("tasks", namespace, "hello")
    assert found is not None
    told = Report(app_slug="taskyard", state=state, message="it said so", **fields)
    shown = found["status"]
    change = status_change(told, status=shown, build=shown["build"]["number"], now=datetime.now(UTC))
    kube.patch("tasks", namespace, "hello", {"status": change}, subresource="status")


def conditions(kube: Kube, namespace: str) -> dict[str, str]:
    found = kube.get("tasks", namespace, "hello")
    assert found is not None
    return {entry["type"]: entry["status"] for entry in found["status"]["conditions"]}


def end(kubelet: Kubelet, code: int, pod: str = "hello-1") -> None:
    """The command ends, and its Pod with it."""
    ended = {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else "Error"}}
    kubelet.status(
        pod,
        phase="Failed" if code else "Succeeded",
        initContainerStatuses=[container("taskyard-sidecar", {"terminated": {"exitCode": 0}}, ready=False)],
        containerStatuses=[container("agent", ended, ready=False)],
    )


@pytest.mark.usefixtures("command")
def test_a_command_that_fails_ends_the_wait_for_either_end(
    kube: Kube, kubelet: Kubelet, namespace: str, person: Person
) -> None:
    """K8"""
    assert conditions(kube, namespace)["Succeeded"] == "Unknown"
    with person.running(EITHER_END) as waiting:
        end(kubelet, 3)
        output, _ = waiting.communicate(timeout=60)
    assert output.endswith("condition met\nFalse")
    person.waits("the work has failed")
    person.waits("the Task can do nothing more by itself")
    kubelet.remove("hello-1")
    person.waits("it is paused")
    found = kube.get("tasks", namespace, "hello")
    assert found is not None
    assert found["status"]["pausedReason"] == "Finished"
    for kind, status in (("Ready", "False"), ("Stalled", "True"), ("Succeeded", "False")):
        shown = condition(found, kind)
        assert (shown["status"], shown["reason"]) == (status, "CommandFailed")
        assert "The command ended with exit code 3" in shown["message"]
    assert "Reconciling" not in conditions(kube, namespace)

    kube.patch("tasks", namespace, "hello", {"metadata": {"annotations": {"taskyard.dev/resumed-at": "now"}}})
    kube.wait("it starts again", "tasks", namespace, "hello", phase_is("Pending"))
    after = conditions(kube, namespace)
    assert (after["Succeeded"], after["Reconciling"], "Stalled" in after) == ("Unknown", "True", False)


@pytest.mark.usefixtures("command")
def test_a_command_that_ends_well_ends_the_wait_for_either_end(
    kube: Kube, kubelet: Kubelet, namespace: str, person: Person
) -> None:
    """K8"""
    with person.running(EITHER_END) as waiting:
        end(kubelet, 0)
        output, _ = waiting.communicate(timeout=60)
    assert output.endswith("condition met\nTrue")
    person.waits("the work is done")
    kubelet.remove("hello-1")
    person.waits("it is paused")
    after = conditions(kube, namespace)
    assert (after["Ready"], after["Succeeded"], "Stalled" in after) == ("True", "True", False)


@pytest.mark.usefixtures("task")
def test_an_interactive_agents_end_is_told_and_new_work_takes_it_back(
    kube: Kube, namespace: str, person: Person
) -> None:
    """K8"""
    person.waits("the agent answers")
    report(kube, namespace, "failure")
    person.waits("the work has failed")
    after = conditions(kube, namespace)
    assert (after["Ready"], "Stalled" in after) == ("True", False)
    report(kube, namespace, "working")
    kube.wait("it works", "tasks", namespace, "hello", lambda t: condition(t, "Succeeded")["status"] == "Unknown")
    report(kube, namespace, "complete")
    person.waits("the work is done")
    report(kube, namespace, "idle")
    person.waits("the agent reports a state")


@pytest.mark.usefixtures("task")
def test_a_question_that_was_answered_is_false(kube: Kube, namespace: str, person: Person) -> None:
    """K16"""
    assert "InputRequired" not in conditions(kube, namespace)
    report(kube, namespace, "working", question=Question(id="q-1", text="write a file"))
    person.waits("a person is asked")
    # A change of the spec changes nothing about the question.
    kube.patch("tasks", namespace, "hello", {"spec": {"displayName": "Hello"}})
    person.waits("a person is asked")
    report(kube, namespace, "working", question=None)
    person.waits("nothing is asked any more")


@pytest.mark.usefixtures("task")
def test_a_question_that_a_pause_ends_is_false_then_and_after_the_resume(
    kube: Kube, kubelet: Kubelet, namespace: str, person: Person
) -> None:
    """K16"""
    report(kube, namespace, "working", question=Question(id="q-1", text="write a file"))
    person.waits("a person is asked")
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    person.waits("nothing is asked any more")
    kubelet.remove("hello-1")
    person.waits("it is paused")
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": False}})
    kube.wait("a new Pod", "pods", namespace, "hello-3", lambda pod: True)
    person.waits("nothing is asked any more")


@pytest.mark.usefixtures("task")
def test_what_is_absent_while_it_does_not_hold_cannot_be_waited_for(person: Person) -> None:
    """K16: as the page says."""
    for kind in ("Stalled", "Reconciling"):
        assert f"`--for=condition={kind}=False`" in PAGE
        person.waits_in_vain(f"kubectl wait --for=condition={kind}=False task.taskyard.dev/hello")

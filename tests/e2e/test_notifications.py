"""What the owner of real agents is told, by a receiver in the cluster."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

import manifests
from e2e import receiver
from e2e.kubectl_namespace import KubectlNamespace
from e2e.versions import version
from localcluster import install
from taskyard.core import times

EVENTS = ["Working", "Idle", "Complete", "Failed", "Paused", "Resumed", "InputRequired", "Error"]
SECONDS = 60.0
PYTHON = "/opt/taskyard/bin/python"
# Says what it does as an agent would, asks, and goes on.
AGENT = """
while read -r line; do
  case $line in
    ask) read -r -s -p "Password for the registry: " answer; echo ;;
    fail) taskyard-report failed "the build does not pass" ;;
    done) taskyard-report complete "all is done" ;;
    *) sleep 5; echo "did $line" ;;
  esac
done
"""


class Told:
    """What the receiver was told of a Task, oldest first."""

    def __init__(self, ns: KubectlNamespace) -> None:
        self._ns = ns

    @property
    def all(self) -> list[dict[str, Any]]:
        lines = self._ns.kubectl("logs", "receiver").splitlines()
        return [json.loads(line) for line in lines]

    def of(self, task: str) -> list[dict[str, Any]]:
        """The data of its events. None came twice, and each came after those of what happened before it: times of
        builds and conditions have whole seconds."""
        found = self.all
        assert not [event for event in found if "fault" in event]
        events = [event for event in found if event["data"].get("task", {}).get("name") == task]
        ids = [event["id"] for event in events]
        assert len(set(ids)) == len(ids), ids
        seconds = [times.parse(event["time"]).replace(microsecond=0) for event in events]
        assert seconds == sorted(seconds), [(event["data"]["event"], event["time"]) for event in events]
        builds = [event["data"]["build"] for event in events]
        assert builds == sorted(builds), builds
        return [event["data"] for event in events]

    def wait(self, *events: str, task: str) -> list[dict[str, Any]]:
        """Returns what was told once it is exactly this, in this order."""
        end, found = time.monotonic() + SECONDS, []
        while time.monotonic() < end:
            found = self.of(task)
            if [data["event"] for data in found] == list(events):
                return found
            time.sleep(0.3)
        raise AssertionError(f"told of {task}: {[data['event'] for data in found]}, and not {list(events)}")

    def until(self, event: str, *, task: str) -> list[dict[str, Any]]:
        """Returns what was told once that is among it."""
        end, found = time.monotonic() + SECONDS, []
        while time.monotonic() < end:
            found = self.of(task)
            if event in [data["event"] for data in found]:
                return found
            time.sleep(0.3)
        raise AssertionError(f"told of {task}: {[data['event'] for data in found]}, and no {event}")


@pytest.fixture
def told(ns: KubectlNamespace) -> Told:
    """A sink for all events, whose receiver runs in the namespace."""
    image = ns.kubectl(
        *("get", "deployment", "taskyard-operator", "--namespace", install.NAMESPACE),
        *("-o", "jsonpath={.spec.template.spec.containers[0].image}"),
    )
    restricted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "receiver",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": [PYTHON, "-c", Path(receiver.__file__).read_text()],
        "securityContext": restricted,
    }
    ns.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "receiver"}, "spec": {"containers": [container]}})
    ns.kubectl("wait", "pod/receiver", "--for=condition=Ready", "--timeout=60s")
    address = ns.kubectl("get", "pod", "receiver", "-o", "jsonpath={.status.podIP}")
    data = {"url": f"http://{address}:8080/hook", "signing-secret": receiver.SECRET}
    ns.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "hook"},
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
        },
        {
            "apiVersion": "taskyard.dev/v1alpha1",
            "kind": "NotificationSink",
            "metadata": {"name": "hook"},
            "spec": {"type": "Webhook", "secretRef": {"name": "hook"}, "events": EVENTS},
        },
    )
    sink = ns.kube.wait(
        "the right is missing",
        "notificationsinks",
        ns.name,
        "hook",
        lambda found: found.get("status", {}).get("conditions", [{}])[0].get("reason") == "SecretForbidden",
    )
    # As the message says.
    commands = sink["status"]["conditions"][0]["message"].partition("with: ")[2].split(" && ")
    assert len(commands) == 2
    for command in commands:
        program, _, namespace, *arguments = command.split()
        assert (program, namespace) == ("kubectl", ns.name)
        ns.kubectl(*arguments)
    ns.kubectl("annotate", "sink", "hook", "taskyard.dev/test=first")
    ns.kubectl("wait", "sink/hook", "--for=condition=Ready", "--timeout=90s")
    return Told(ns)


def test_the_owner_is_told_what_a_real_agent_does(ns: KubectlNamespace, told: Told) -> None:
    """Each state, a question with the way to answer it, a pause with its reason, and a resume."""
    ns.apply(version("talks-v1", agent={"command": ["bash", "-c", AGENT]}))
    ns.apply(manifests.task("talk", templateVersion="talks-v1", prompt="first"))
    so_far = ["Idle"]
    told.wait(*so_far, task="talk")
    ns.say("more", "second", task="talk")
    so_far += ["Working", "Idle"]
    told.wait(*so_far, task="talk")
    ns.say("question", "ask", task="talk")
    (asked,) = (data for data in told.until("InputRequired", task="talk") if data["event"] == "InputRequired")
    assert asked["build"] == 1
    assert "bash waits for input without echo" in asked["question"]["message"]
    assert "TaskInput" in asked["question"]["message"], "how to answer it"
    ns.say("answer", "secret\r", task="talk", type="Raw")
    ns.wait_state("Idle", task="talk")
    ns.say("failure", "fail", task="talk")
    failed = told.until("Failed", task="talk")[-1]
    assert failed["state"]["message"] == "the build does not pass"
    ns.say("success", "done", task="talk")
    complete = told.until("Complete", task="talk")[-1]
    assert complete["text"]["title"].endswith(": done")
    ns.pause(True, task="talk")
    paused = told.until("Paused", task="talk")[-1]
    assert (paused["build"], paused["pauseReason"]) == (2, "paused by a person")
    ns.pause(False, task="talk")
    assert told.until("Resumed", task="talk")[-1]["build"] == 3
    found = told.of("talk")
    assert [data["event"] for data in found[: len(so_far)]] == so_far
    # Between these the agent works and rests, for as long as it happens to take.
    later = [data["event"] for data in found[len(so_far) :] if data["event"] not in ("Working", "Idle")]
    assert later == ["InputRequired", "Failed", "Complete", "Paused", "Resumed"]
    assert "secret" not in json.dumps(found)


def test_a_command_that_ends_is_told_before_its_pause(ns: KubectlNamespace, told: Told) -> None:
    once = version("once-v1")
    once["spec"]["agent"] = {"protocol": "Command", "container": "agent"}
    once["spec"]["pod"]["spec"]["containers"][0]["command"] = ["bash", "-c", "echo all is done"]
    ns.apply(once, manifests.task("once", templateVersion="once-v1"))
    complete, paused = told.wait("Complete", "Paused", task="once")
    assert complete["state"]["message"] == "all is done"
    assert paused["pauseReason"] == "its work has ended"


def test_a_start_that_fails_is_told_with_its_cause(ns: KubectlNamespace, told: Told) -> None:
    ns.apply(version("broken-v1", agent={"image": "No Image"}), manifests.task("broken", templateVersion="broken-v1"))
    (error,) = told.wait("Error", task="broken")
    assert "No Image" in error["error"]["message"] or "InvalidImageName" in error["error"]["message"]

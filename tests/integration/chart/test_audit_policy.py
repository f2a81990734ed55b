"""What the chart's policy tells the API server's audit log about a request: all the acts that it is."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import manifests
from integration.chart.installation import NAMESPACE, Cluster
from kube import Kube
from localcluster.controlplane import ControlPlane
from localcluster.locations import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "audit"
PREFIX = "audit.taskyard.dev/"
RESUMED_AT = "taskyard.dev/resumed-at"
WORDS = re.compile(r"`([a-z-]+)`")

Object = dict[str, Any]


def resumed_at(value: str | None) -> Object:
    return {"metadata": {"annotations": {RESUMED_AT: value}}}


@dataclass(frozen=True)
class Case:
    """A Task of this spec, annotation and status; a patch of it; the acts that the patch is."""

    patch: Object
    acts: str
    spec: Object
    marked: str | None = None
    acted_on: str | None = None


def case(
    name: str, patch: Object, acts: str, *, marked: str | None = None, acted_on: str | None = None, **spec: Any
) -> Any:
    return pytest.param(Case(patch, acts, spec, marked, acted_on), id=name)


ANOTHER = {"templateVersion": "shell-v2"}
# The prompt of a Task with a build may be changed only while it is paused; these have none.
CASES = [
    case("a pause", {"spec": {"paused": True}}, "pause"),
    case("the end of a pause", {"spec": {"paused": False}}, "resume", paused=True),
    case("the field of the pause is removed", {"spec": {"paused": None}}, "resume", paused=True),
    case("a pause of what is paused", {"spec": {"paused": True}}, "", paused=True),
    case("a prompt", {"spec": {"prompt": "another one"}}, "change-prompt"),
    case("a version", {"spec": ANOTHER}, "change-spec"),
    case("a title", {"spec": {"displayName": "a title"}}, "change-spec"),
    case("a title is removed", {"spec": {"displayName": None}}, "change-spec", displayName="a title"),
    case("a prompt and a version", {"spec": {"prompt": "another one", **ANOTHER}}, "change-prompt change-spec"),
    case("a pause and a version", {"spec": {"paused": True, **ANOTHER}}, "pause change-spec"),
    case("a pause and a prompt", {"spec": {"paused": True, "prompt": "another one"}}, "pause change-prompt"),
    case(
        "everything at once",
        {"spec": {"paused": False, "prompt": "another one", "displayName": "a title"}, **resumed_at("1")},
        "resume change-prompt change-spec",
        paused=True,
    ),
    case("a mark", resumed_at("1"), "resume"),
    case("an empty mark", resumed_at(""), "resume"),
    case("a new mark", resumed_at("2"), "resume", marked="1"),
    case("the same mark", resumed_at("1"), "", marked="1"),
    case("a mark is removed", resumed_at(None), "", marked="1"),
    case(
        "a mark is removed with a title", {"spec": {"displayName": "a"}, **resumed_at(None)}, "change-spec", marked="1"
    ),
    case("a mark that was acted on", resumed_at("1"), "", acted_on="1"),
    case("a mark after one that was acted on", resumed_at("2"), "resume", acted_on="1"),
    case("a mark while it is paused", resumed_at("1"), "", paused=True),
    case("a mark and a pause", {"spec": {"paused": True}, **resumed_at("1")}, "pause"),
    case("another annotation", {"metadata": {"annotations": {"example.org/mark": "1"}}}, ""),
    case("a label", {"metadata": {"labels": {"example.org/mark": "1"}}}, ""),
]


class Audited:
    """An API server with the audit policy and the chart's policy, in which one namespace is used."""

    def __init__(self, cluster: Cluster, kube: Kube, log: Path, namespace: str) -> None:
        self.cluster, self.kube, self.namespace = cluster, kube, namespace
        self._log = log

    def task(self, name: str = "", *, marked: str | None = None, acted_on: str | None = None, **spec: Any) -> str:
        """Makes a Task; returns its name."""
        name = name or f"task-{uuid.uuid4().hex[:8]}"
        manifest = manifests.task(name, **spec)
        if marked is not None:
            manifest["metadata"]["annotations"] = {RESUMED_AT: marked}
        self.kube.create("tasks", self.namespace, manifest)
        if acted_on is not None:
            self.kube.patch("tasks", self.namespace, name, {"status": {"observedResumedAt": acted_on}}, "status")
        return name

    def done(self, *arguments: str, stdin: Object | None = None) -> Object:
        """The event of the one write that kubectl makes."""
        user = f"user-{uuid.uuid4().hex}"
        given = None if stdin is None else json.dumps(stdin)
        by = ("-n", self.namespace, "--as", user, "--as-group", "system:masters")
        self.cluster.must(*arguments, *by, input=given)
        return self.event_of(user)

    def event_of(self, user: str) -> Object:
        until = time.monotonic() + 10
        while True:
            found = [event for event in self._events() if event.get("impersonatedUser", {}).get("username") == user]
            writes = [event for event in found if event["verb"] not in ("get", "list")]
            if writes:
                [event] = writes
                return event
            assert time.monotonic() < until, f"no event of {user}: {found}"
            time.sleep(0.05)

    def _events(self) -> list[Any]:
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.endswith("}")]


def told(event: Object) -> Object:
    """The policy's annotations."""
    found = event.get("annotations", {})
    return {key.removeprefix(PREFIX): value for key, value in found.items() if key.startswith(PREFIX)}


@pytest.fixture(scope="module")
def audited(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """(The shared API server is named only because its fixture skips where there can be none.)"""
    folder = tmp_path_factory.mktemp("audit-policy")
    log = folder / "audit.log"
    flags = (f"--audit-policy-file={FOLDER / 'policy.yaml'}", f"--audit-log-path={log}")
    with ControlPlane(folder / "control-plane", apiserver_flags=flags) as running:
        cluster, kube = Cluster(running.kubeconfig), Kube(running.kubeconfig)
        crds = str(REPOSITORY / "crds")
        cluster.must("apply", "--server-side", "-f", crds)
        cluster.must("wait", "--for=condition=Established", "--timeout=30s", "-f", crds)
        rendered = cluster.render("--show-only", "templates/policy-audit.yaml", "--namespace", NAMESPACE)
        cluster.must("apply", "--server-side", "-f", "-", input=rendered)
        found = Audited(cluster, kube, log, kube.create_namespace())
        until = time.monotonic() + 30
        probe = found.task()
        while not told(
            found.done("patch", f"tasks.taskyard.dev/{probe}", *merge({"spec": {"displayName": uuid.uuid4().hex}}))
        ):
            assert time.monotonic() < until, "the policy is not in force"
            time.sleep(0.2)
        yield found
        kube.close()


def merge(patch: Object) -> tuple[str, ...]:
    return "--type=merge", "-p", json.dumps(patch)


@pytest.mark.parametrize("case", CASES)
def test_a_patch_is_told_with_all_that_it_does(audited: Audited, case: Case) -> None:
    name = audited.task(marked=case.marked, acted_on=case.acted_on, **case.spec)
    event = audited.done("patch", f"tasks.taskyard.dev/{name}", *merge(case.patch))
    assert event["responseStatus"]["code"] == 200
    found = told(event)
    assert found.get("act", "") == case.acts
    if not case.acts:
        assert found == {}
        return
    assert found["task"] == name
    assert found["uid"] == audited.kube.get("tasks", audited.namespace, name)["metadata"]["uid"]  # type: ignore[index]
    prompt = case.patch.get("spec", {}).get("prompt")
    assert found.get("text-bytes") == (str(len(prompt)) if prompt else None)


def test_a_whole_manifest_is_told_like_a_patch(audited: Audited) -> None:
    name = audited.task()
    manifest = manifests.task(name, prompt="another one", paused=True, displayName="a title")
    found = told(audited.done("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest))
    assert found["act"] == "pause change-prompt change-spec"


def test_what_is_created_and_deleted_by_itself_has_its_name(audited: Audited) -> None:
    name = f"task-{uuid.uuid4().hex[:8]}"
    acts = [
        (("create", "-f", "-"), manifests.task(name, paused=True), "create"),
        (("create", "-f", "-"), manifests.task_input(f"{name}-1", "hi", task=name), "queue-input"),
        (("create", "-f", "-"), manifests.task_input(f"{name}-2", "y", task=name, answers="q-1"), "answer"),
        (("delete", f"taskinputs.taskyard.dev/{name}-1"), None, "delete-input"),
        (("delete", f"tasks.taskyard.dev/{name}"), None, "delete"),
    ]
    for arguments, manifest, act in acts:
        found = told(audited.done(*arguments, stdin=manifest))
        assert (found["act"], found["task"]) == (act, name)
        assert found["uid"]


@pytest.mark.parametrize("plural", ["tasks", "taskinputs"])
def test_a_deletion_of_many_names_none_of_them(audited: Audited, plural: str) -> None:
    """There is one event for all, whose annotations would be those of one of them."""
    for number in range(3):
        labels = {"many": plural}
        manifest = manifests.task(f"many-{number}") if plural == "tasks" else manifests.task_input(f"m-{number}", "hi")
        manifest["metadata"]["labels"] = labels
        audited.kube.create(plural, audited.namespace, manifest)
    path = audited.kube.path(plural, audited.namespace)
    event = audited.done("delete", "--raw", f"{path}?labelSelector=many%3D{plural}")
    assert event["verb"] == "deletecollection"
    assert told(event) == {"act": "delete-collection"}
    assert event["requestURI"].endswith(f"?labelSelector=many%3D{plural}")
    left = audited.kube.list(plural, audited.namespace)
    assert not [each for each in left if each["metadata"].get("labels") == {"many": plural}]


def test_the_page_has_all_acts_and_each_is_tested() -> None:
    [row] = re.findall(r"^\| `audit.taskyard.dev/act` \|(.*)\|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    patched = {act for each in CASES for act in each.values[0].acts.split()}
    # By the tests of what is created and deleted.
    others = {"create", "queue-input", "answer", "delete-input", "delete", "delete-collection"}
    assert set(WORDS.findall(row)) == patched | others

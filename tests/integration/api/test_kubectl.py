"""kubectl against the API server: refusals at apply time, explain, diff, server-side apply."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

import manifests
from integration.api.conftest import Kubectl

Object = dict[str, Any]


def without(manifest: Object, *path: str) -> Object:
    """A copy without the field at `path`."""
    result = deepcopy(manifest)
    part = result
    for step in path[:-1]:
        part = part[step]
    del part[path[-1]]
    return result


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        pytest.param(
            without(manifests.task(), "spec", "templateVersion"),
            "exactly one of template (name of a Template) and templateVersion (name of a TemplateVersion) is needed",
            id="no-template",
        ),
        pytest.param(without(manifests.task(), "spec", "prompt"), "spec.prompt: Required value", id="no-prompt"),
        pytest.param(
            manifests.task("x" * 53),
            "metadata.name must be a DNS label of at most 52 characters",
            id="name-of-53",
        ),
        pytest.param(
            manifests.task("a.b"), "metadata.name must be a DNS label of at most 52 characters", id="name-with-a-dot"
        ),
        pytest.param(manifests.task(prompt="x" * 65_537), "Too long: may not be more than 65536", id="prompt-of-65537"),
        pytest.param(manifests.task(prompt="a\0b"), "must not contain NUL characters", id="prompt-with-nul"),
        pytest.param(
            manifests.task(displayName="x" * 65), "Too long: may not be more than 64", id="display-name-of-65"
        ),
        pytest.param(manifests.task(promt="typo"), 'unknown field "spec.promt"', id="unknown-field"),
        pytest.param(manifests.task(paused="yes"), "must be of type boolean", id="wrong-type"),
        pytest.param(
            manifests.task(idleTimeout="soon"),
            "must be a duration in hours, minutes and seconds, such as 45s, 30m or 1h30m",
            id="bad-duration",
        ),
        pytest.param(
            manifests.template_version("x" * 64),
            "metadata.name must have at most 63 characters",
            id="version-name-of-64",
        ),
        pytest.param(
            without(manifests.template_version(), "spec", "pod"), "spec.pod: Required value", id="version-without-pod"
        ),
        pytest.param(
            manifests.template_version(home={"size": "much"}), "spec.home.size in body should match", id="home-size"
        ),
        pytest.param(
            manifests.template_version(home={"size": "1Gi", "mountPath": "/taskyard/bin"}),
            "must not be the root or lie in /taskyard",
            id="home-on-taskyards-folder",
        ),
        pytest.param(
            manifests.template_version(pod={"spec": {"containers": []}}),
            "spec.pod.spec.containers in body should have at least 1 items",
            id="pod-without-containers",
        ),
        pytest.param(
            manifests.template_version(pod={"spec": {"containers": [{"name": "agent", "command": "bash"}]}}),
            "must be of type array",
            id="command-that-is-not-a-list",
        ),
        pytest.param(manifests.task_input("empty", ""), "spec.content", id="empty-input"),
        pytest.param(manifests.task_input("blank", " \n"), "content must not be blank", id="blank-input"),
        pytest.param(
            manifests.task_input("two", "/a\n/b", type="Control"),
            "content of type Control must be one line of at most 4096 characters, without control characters",
            id="command-of-two-lines",
        ),
        pytest.param(
            manifests.task_input("tab", "/a\tb", type="Control"),
            "content of type Control must be",
            id="command-with-tab",
        ),
        pytest.param(
            manifests.task_input("separator", "/a\u2028b", type="Control"),
            "content of type Control must be",
            id="command-with-line-separator",
        ),
        pytest.param(
            manifests.task_input("long", "x" * 4097, type="Control"),
            "content of type Control must be",
            id="command-of-4097",
        ),
        pytest.param(
            manifests.task_input("blank", "  ", type="Control"), "content must not be blank", id="blank-command"
        ),
        pytest.param(
            manifests.task_input("answer", "yes", type="Control", answers="q-1"),
            "only a message (type User) answers a question",
            id="command-as-answer",
        ),
        pytest.param(
            manifests.task_input("long", "x" * 65_537), "Too long: may not be more than 65536", id="long-input"
        ),
    ],
)
def test_invalid_input_is_refused_at_apply_time_with_the_cause(
    kubectl: Kubectl, manifest: Object, message: str
) -> None:
    result = kubectl("apply", "-f", "-", stdin=manifest)
    assert result.returncode != 0
    assert message in result.stderr


def test_the_longest_and_the_shortest_input_are_accepted(kubectl: Kubectl) -> None:
    for manifest in (
        manifests.task("x" * 52, prompt="ü" * 65_536, displayName="x" * 64, idleTimeout="1h30m"),
        manifests.task("empty", prompt=""),
        manifests.task_input("long", "x" * 65_536),
        manifests.task_input("interrupt", "\x03", type="Raw"),
        manifests.task_input("command", "ü" * 4096, type="Control"),
        manifests.task_input("message", "!ls is said\nand so is this", type="User", answers="q-1"),
    ):
        result = kubectl("apply", "--server-side", "-f", "-", stdin=manifest)
        assert result.returncode == 0, result.stderr
    # An operator of a later test would find them without their Task, and write.
    assert kubectl("delete", "taskinputs,tasks.taskyard.dev", "--all", "--wait=false").returncode == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"home": {"size": "2Gi"}}, "A TemplateVersion cannot be changed", id="home"),
        pytest.param({"command": ["bash", "-i"]}, "A TemplateVersion cannot be changed", id="command"),
        pytest.param({"image": "debian:sid"}, "A TemplateVersion cannot be changed", id="image"),
        pytest.param({"displayName": "Shell"}, "A TemplateVersion cannot be changed", id="title"),
    ],
)
def test_a_template_version_cannot_be_edited(kubectl: Kubectl, change: Object, message: str) -> None:
    assert kubectl("apply", "-f", "-", stdin=manifests.template_version()).returncode == 0
    result = kubectl("apply", "-f", "-", stdin=manifests.template_version(**change))
    assert result.returncode != 0
    assert message in result.stderr


def test_status_starts_as_pending_and_shows_in_the_table(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", stdin=manifests.task()).returncode == 0
    header, row = kubectl("get", "tasks").stdout.splitlines()
    assert header.split() == ["NAME", "STATUS", "STATE", "REASON", "MESSAGE", "TEMPLATE", "AGE"]
    assert row.split()[:2] == ["hello", "Pending"]
    wide = kubectl("get", "ait", "-o", "wide").stdout.splitlines()[0]
    assert wide.split()[-5:] == ["BUILD", "POD", "DISPLAY", "NAME", "CAUSE"]
    assert "hello" in kubectl("get", "taskyard").stdout


@pytest.mark.parametrize(
    ("phase", "reason", "message"),
    [
        pytest.param("Pending", "QuotaExceeded", "exceeded quota: few", id="Pending"),
        pytest.param("Initializing", "ImagePullBackOff", "Container agent cannot start: no", id="a missing image"),
        pytest.param("Initializing", "CreateContainerConfigError", 'secret "key" not found', id="a missing Secret"),
        pytest.param("Error", "BuildFailed", "Build hello-1 failed: no", id="Error"),
    ],
)
def test_the_table_shows_what_holds_a_task_up_in_120_columns(
    kubectl: Kubectl, phase: str, reason: str, message: str
) -> None:
    """And beside it what the state says, which the REST API has in common: the agent is still to come."""
    assert kubectl("apply", "-f", "-", stdin=manifests.task()).returncode == 0
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    state = {"state": "Working", "message": "Agent is connecting", "build": 1, "timestamp": "2026-01-01T00:00:00Z"}
    status = {"phase": phase, "conditions": [ready], "template": "shell", "state": state}
    changed = kubectl(
        "patch", "ait", "hello", "--subresource=status", "--type=merge", "-p", json.dumps({"status": status})
    )
    assert changed.returncode == 0, changed.stderr
    header, row = kubectl("get", "ait").stdout.splitlines()
    assert row.split()[:4] == ["hello", phase, "Working", reason]
    assert row[header.index("REASON") :].startswith(reason)
    assert max(len(header), len(row)) <= 120
    assert message in kubectl("get", "ait", "-o", "wide").stdout


def test_explain_describes_every_field_of_a_task(kubectl: Kubectl) -> None:
    result = kubectl("explain", "task.spec")
    assert result.returncode == 0
    for field in ("prompt", "templateVersion", "paused", "displayName", "idleTimeout"):
        assert field in result.stdout
    assert "<no description>" not in kubectl("explain", "task", "--recursive=false").stdout


def test_diff_and_server_side_apply_by_two_managers(kubectl: Kubectl) -> None:
    assert kubectl("apply", "--server-side", "--field-manager=git", "-f", "-", stdin=manifests.task()).returncode == 0
    assert kubectl("diff", "--server-side", "--field-manager=git", "-f", "-", stdin=manifests.task()).returncode == 0
    changed = kubectl("diff", "--server-side", "--field-manager=git", "-f", "-", stdin=manifests.task(paused=True))
    assert changed.returncode == 1
    assert "+  paused: true" in changed.stdout
    other = without(without(manifests.task(paused=True), "spec", "prompt"), "spec", "templateVersion")
    assert kubectl("apply", "--server-side", "--field-manager=person", "-f", "-", stdin=other).returncode == 0
    assert kubectl("apply", "--server-side", "--field-manager=git", "-f", "-", stdin=manifests.task()).returncode == 0
    assert kubectl("get", "task", "hello", "-o", "jsonpath={.spec.paused}").stdout == "true"

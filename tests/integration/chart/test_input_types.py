"""The example's policy about the types of inputs, against the API server."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import manifests
from integration.chart.installation import Cluster
from localcluster.locations import REPOSITORY

EXAMPLE = REPOSITORY / "deploy" / "examples" / "04-input-types"
OPERATOR = ("--as", "jane", "--as-group", "agent-operators", "--as-group", "system:masters")
REFUSED = (
    "inputs of type {type} are not allowed in namespace {namespace}: they act at the agent's terminal like a person "
    "there; send a message (type User), or ask a member of the group agent-operators"
)


def refusal(cluster: Cluster, namespace: str, *arguments: str, **spec: Any) -> str:
    """The API server's error for an input; empty when it accepts it. Nothing is stored."""
    manifest = manifests.task_input("one", "/compact", **spec)
    manifest["metadata"]["namespace"] = namespace
    result = cluster.kubectl("create", "--dry-run=server", *arguments, "-f", "-", input=json.dumps(manifest))
    return "" if result.returncode == 0 else result.stderr


@pytest.fixture
def guarded(cluster: Cluster, namespace: str) -> Iterator[Cluster]:
    """The cluster with the example applied, and in force in the test's namespace."""
    files = yaml.safe_load((EXAMPLE / "kustomization.yaml").read_text())["resources"]
    given = "\n---\n".join((EXAMPLE / file).read_text() for file in files)
    # Another test may have applied it too, with another field manager.
    cluster.must("apply", "--server-side", "--force-conflicts", "-f", "-", input=given)
    cluster.must("label", "namespace", namespace, "example.org/agent-inputs=messages-only")
    until = time.monotonic() + 30
    while not refusal(cluster, namespace, type="Raw"):
        assert time.monotonic() < until, "the policy was not in force after 30 s"
        time.sleep(0.2)
    yield cluster
    cluster.kubectl("delete", "-f", "-", input=given)


def test_policy_leaves_messages_alone_and_refuses_the_rest_with_the_reason(guarded: Cluster, namespace: str) -> None:
    """A1: who may send a message may not thereby run a shell."""
    assert refusal(guarded, namespace) == ""
    assert refusal(guarded, namespace, type="User") == ""
    for kind in ("Control", "Raw"):
        assert REFUSED.format(type=kind, namespace=namespace) in refusal(guarded, namespace, type=kind)
        assert refusal(guarded, namespace, *OPERATOR, type=kind) == ""
        assert refusal(guarded, "default", type=kind) == ""
    compiled = json.loads(guarded.must("get", "validatingadmissionpolicy", "input-types.example.org", "-o", "json"))
    assert compiled.get("status", {}).get("typeChecking", {}) == {}

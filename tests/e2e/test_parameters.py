"""The example with parameters, on the real node: the agent gets what the Task chose."""

from __future__ import annotations

import json
from typing import Any

import yaml

from e2e.kubectl_namespace import KubectlNamespace
from localcluster import locations

EXAMPLE = locations.REPOSITORY / "deploy" / "examples" / "02-parameters"

Object = dict[str, Any]


def example(namespace: str, *names: str) -> list[Object]:
    """Manifests of the example, in the test's own namespace."""
    found = [yaml.safe_load((EXAMPLE / f"{name}.yaml").read_text()) for name in names]
    for manifest in found:
        manifest["metadata"]["namespace"] = namespace
    return found


def condition(status: Object, name: str) -> Object:
    return next(
        (c for c in status.get("conditions", []) if c["type"] == name), {"status": "", "reason": "", "message": ""}
    )


def test_the_example_with_parameters(ns: KubectlNamespace) -> None:
    # The Task comes first: it waits, and says for what.
    ns.apply(*example(ns.name, "task"))
    ns.wait("it waits", lambda s: condition(s, "Ready")["reason"] == "TemplateNotFound", task="greet")
    ns.apply(*example(ns.name, "template", "templateversion"))
    waiting = ns.wait("it waits", lambda s: condition(s, "Ready")["reason"] == "SecretNotUsable", task="greet")
    assert 'Secret "service-token" does not exist' in condition(waiting["status"], "Ready")["message"]
    ns.apply(*example(ns.name, "secret"))
    ns.wait("it is idle", lambda s: s.get("state", {}).get("state") == "Idle", task="greet")
    said = ns.kubectl("exec", "greet-1", "-c", "agent", "--", "cat", "/home/agent/greeting.txt")
    assert said == "Hello, Everybody; my token has 16 characters\n"
    pod = json.loads(ns.kubectl("get", "pod", "greet-1", "-o", "json"))
    (agent,) = [c for c in pod["spec"]["containers"] if c["name"] == "agent"]
    assert agent["resources"]["limits"] == {"memory": "512Mi"}
    assert "not-a-real-token" not in json.dumps(pod)
    assert "greeter-v1" in ns.kubectl("get", "templates.taskyard.dev", "greeter")


def test_a_key_that_the_secret_does_not_have_is_reported_by_name(ns: KubectlNamespace) -> None:
    template, version, secret, task = example(ns.name, "template", "templateversion", "secret", "task")
    task["spec"]["parameters"][0]["secretRef"]["key"] = "tokne"
    ns.apply(template, version, secret, task)
    found = ns.wait(
        "it reports the key", lambda s: condition(s, "Ready")["reason"] == "CreateContainerConfigError", task="greet"
    )
    assert "couldn't find key tokne in Secret" in condition(found["status"], "Ready")["message"]

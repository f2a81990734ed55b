"""Claude Code from its package, in a terminal on the real node. Its model is a script on the Pod's loopback address."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from e2e.yard import Yard
from localcluster import images, locations, progress

EXAMPLE = "deploy/examples/10-claude-code"
MODEL = locations.REPOSITORY / "tests" / "agents" / "modelserver.py"
PROMPT = "Please write hello.txt saying hello there\nthen stop."

Object = dict[str, Any]


@pytest.fixture
def claude(yard: Yard) -> Yard:
    """The example, its prompt one that the script understands, with the script beside the agent."""
    version, secret, task = (
        yaml.safe_load((locations.REPOSITORY / EXAMPLE / f"{name}.yaml").read_text())
        for name in ("templateversion", "secret", "task")
    )
    pod = version["spec"]["pod"]["spec"]
    (agent,) = pod["containers"]
    try:
        images.load(images.ensure_agent(f"{EXAMPLE}/Dockerfile", agent["image"]))
    except progress.StepError as failure:
        pytest.fail(f"{failure} (log: {failure.log})", pytrace=False)
    agent["env"].append({"name": "ANTHROPIC_BASE_URL", "value": "http://127.0.0.1:8080"})
    pod["containers"].append(
        {
            "name": "model",
            "image": yard.kubectl(
                *("get", "deployment", "taskyard-operator", "--namespace=taskyard"),
                "--output=jsonpath={.spec.template.spec.containers[0].image}",
            ),
            "command": ["python3", "/model/modelserver.py", "--port", "8080"],
            "volumeMounts": [{"name": "model", "mountPath": "/model"}],
        }
    )
    pod["volumes"] = [{"name": "model", "configMap": {"name": "model"}}]
    task["spec"]["prompt"] = PROMPT
    model = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "model"},
        "data": {MODEL.name: MODEL.read_text()},
    }
    for manifest in (version, secret, task):
        del manifest["metadata"]["namespace"]
    yard.apply(model, secret, version, task)
    return yard


def said(yard: Yard, role: str) -> list[str]:
    return [message["content"] for message in yard.messages() if message["role"] == role]


def test_claude_code_works_answers_pauses_and_goes_on_with_its_session(claude: Yard) -> None:
    claude.wait("it works on the prompt", lambda s: s.get("state", {}).get("message") == PROMPT.splitlines()[0])
    claude.wait_answer("I wrote hello.txt.")
    assert claude.inside("hello-1", "agent", "cat", "/home/agent/work/hello.txt").stdout == "hello there\n"
    task = claude.wait_state("Idle", build=1)
    assert "I wrote hello.txt." in task["status"]["state"]["message"]
    assert said(claude, "user") == [PROMPT.strip()]

    claude.say("again", "what was the first question?")
    claude.wait_answer("● You first asked: Please write hello.txt")
    claude.wait_state("Idle", build=1)
    claude.pause(True)
    claude.wait("it is paused", lambda status: status["phase"] == "Paused")
    (greeting, *answers) = said(claude, "agent")
    assert "Claude Code v" in greeting
    assert len(answers) == 2
    for answer in answers:
        assert answer.startswith("● "), answer
        for foreign in ("then stop.\n\n", "bypass permissions", "───"):
            assert foreign not in answer, answer

    claude.pause(False)
    claude.wait_state("Idle", build=3)
    claude.say("resumed", "and now, what was the first question?")
    claude.kube.wait(
        "it is delivered",
        "taskinputs",
        claude.namespace,
        "resumed",
        lambda i: i.get("status", {}).get("phase") == "Delivered",
    )
    quoted: list[str] = []
    for _ in range(120):
        quoted = [answer for answer in said(claude, "agent") if "You first asked: Please write hello.txt" in answer]
        if len(quoted) == 2:
            break
        time.sleep(0.5)
    claude.wait_state("Idle", build=3)
    assert len(quoted) == 2, "the session before the pause is forgotten"
    assert said(claude, "user").count(PROMPT.strip()) == 1

"""Claude Code from its package, in a terminal and over ACP, on the real node. Its model is a script in the Pod."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.yard import Yard
from kube import Kube, phase_is
from localcluster import images, locations, progress

EXAMPLE = "deploy/examples/10-claude-code"
MODEL = locations.REPOSITORY / "tests" / "agents" / "modelserver.py"
PROMPT = "Please write hello.txt saying hello there\nthen stop."
WORKING = PROMPT.splitlines()[0]
OVER_ACP = "structured"

Object = dict[str, Any]


@pytest.fixture(scope="module")
def claude(installation: Path, kube: Kube) -> Iterator[Yard]:
    """A namespace with the example in it, each of its versions with the script beside the agent; one image for both."""
    yard = Yard(installation, kube, f"e2e-{uuid.uuid4().hex[:8]}")
    yard.create()
    server = yard.kubectl(
        *("get", "deployment", "taskyard-operator", "--namespace=taskyard"),
        "--output=jsonpath={.spec.template.spec.containers[0].image}",
    )
    versions = [with_model(example(name), server) for name in ("templateversion", "templateversion-acp")]
    (image,) = {version["spec"]["pod"]["spec"]["containers"][0]["image"] for version in versions}
    try:
        images.load(images.ensure_agent(f"{EXAMPLE}/Dockerfile", image))
    except progress.StepError as failure:
        pytest.fail(f"{failure} (log: {failure.log})", pytrace=False)
    model = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "model"},
        "data": {MODEL.name: MODEL.read_text()},
    }
    yard.apply(model, example("secret"), *versions)
    yield yard
    yard.remove()


def example(name: str) -> Object:
    manifest: Object = yaml.safe_load((locations.REPOSITORY / EXAMPLE / f"{name}.yaml").read_text())
    del manifest["metadata"]["namespace"]
    return manifest


def with_model(version: Object, image: str) -> Object:
    pod = version["spec"]["pod"]["spec"]
    (agent,) = pod["containers"]
    agent["env"].append({"name": "ANTHROPIC_BASE_URL", "value": "http://127.0.0.1:8080"})
    pod["containers"].append(
        {
            "name": "model",
            "image": image,
            "command": ["python3", "/model/modelserver.py", "--port", "8080"],
            "volumeMounts": [{"name": "model", "mountPath": "/model"}],
        }
    )
    pod["volumes"] = [{"name": "model", "configMap": {"name": "model"}}]
    return version


def begin(yard: Yard, name: str, version: str) -> None:
    """The example's Task, its prompt one that the script understands."""
    task = example("task")
    task["metadata"]["name"] = name
    task["spec"] |= {"prompt": PROMPT, "templateVersion": version}
    yard.apply(task)


def said(yard: Yard, role: str, task: str = "hello") -> list[str]:
    return [message["content"] for message in yard.messages(task) if message["role"] == role]


def wait_delivered(yard: Yard, name: str) -> None:
    yard.kube.wait("it is delivered", "taskinputs", yard.namespace, name, phase_is("Delivered"))


def test_claude_code_works_answers_pauses_and_goes_on_with_its_session(claude: Yard) -> None:
    begin(claude, "hello", "claude-code-v1")
    claude.wait("it works on the prompt", lambda s: s.get("state", {}).get("message") == WORKING)
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
    wait_delivered(claude, "resumed")
    quoted: list[str] = []
    for _ in range(120):
        quoted = [answer for answer in said(claude, "agent") if "You first asked: Please write hello.txt" in answer]
        if len(quoted) == 2:
            break
        time.sleep(0.5)
    claude.wait_state("Idle", build=3)
    assert len(quoted) == 2, "the session before the pause is forgotten"
    assert said(claude, "user").count(PROMPT.strip()) == 1


def test_claude_code_over_acp_works_answers_pauses_and_goes_on_with_its_session(claude: Yard) -> None:
    """No screen is read: tools and permissions are messages, the session is taken up by the protocol."""
    begin(claude, OVER_ACP, "claude-code-acp-v1")
    claude.wait("it works on the prompt", lambda s: s.get("state", {}).get("message") == WORKING, task=OVER_ACP)
    claude.wait_answer("I wrote hello.txt.", task=OVER_ACP)
    written = claude.inside(f"{OVER_ACP}-1", "agent", "cat", "/home/agent/hello.txt")
    assert written.stdout == "hello there\n", written.stderr
    task = claude.wait_state("Idle", task=OVER_ACP, build=1)
    assert task["status"]["state"]["message"] == "I wrote hello.txt."
    assert said(claude, "user", OVER_ACP) == [PROMPT.strip()]
    (answer,) = said(claude, "agent", OVER_ACP)
    assert answer.splitlines()[0] == "I will write hello.txt."
    assert "hello.txt" in answer.splitlines()[1]
    assert "[permission: echo 'hello there' > hello.txt: Allow]" in answer
    assert answer.splitlines()[-1] == "I wrote hello.txt."

    claude.say("again-structured", "what was the first question?", task=OVER_ACP)
    claude.wait_answer("You first asked: Please write hello.txt", task=OVER_ACP)
    claude.wait_state("Idle", task=OVER_ACP, build=1)
    claude.pause(True, task=OVER_ACP)
    claude.wait("it is paused", lambda status: status["phase"] == "Paused", task=OVER_ACP)
    before = said(claude, "agent", OVER_ACP)
    assert len(before) == 2

    claude.pause(False, task=OVER_ACP)
    claude.wait_state("Idle", task=OVER_ACP, build=3)
    claude.say("resumed-structured", "and now, recall the first question", task=OVER_ACP)
    wait_delivered(claude, "resumed-structured")
    claude.kube.wait(
        "it remembers",
        "configmaps",
        claude.namespace,
        f"{OVER_ACP}-snapshot",
        lambda _: any("Please write hello.txt" in answer for answer in said(claude, "agent", OVER_ACP)[2:]),
        60,
    )
    claude.wait_state("Idle", task=OVER_ACP, build=3)
    assert said(claude, "agent", OVER_ACP)[:2] == before
    assert said(claude, "user", OVER_ACP).count(PROMPT.strip()) == 1

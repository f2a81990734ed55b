"""The examples' agents on the local cluster: each image is built from its Dockerfile, each agent started with its
version's own command. Their model is a script in the Pod, so this tests what works without the vendor.

`make agents` runs them. They are not part of `make test`, which includes Claude Code (tests/e2e/test_claude_code.py).
"""

from __future__ import annotations

import pytest

from e2e.examples import MODEL_URL, PROMPT, Example
from e2e.kubectl_namespace import KubectlNamespace

# The programs are large, and an image that is new to the node is unpacked first.
PATIENCE = 180.0
NOWHERE = "http://127.0.0.1:9"
ALONE = {"HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "NO_PROXY": "127.0.0.1,localhost"}
AGAIN = "what was the first question?"


@pytest.mark.parametrize(
    ("folder", "vendor"),
    [
        pytest.param("11-codex", {"OPENAI_BASE_URL": f"{MODEL_URL}/v1"}, id="codex"),
        pytest.param("12-gemini-cli", {"GOOGLE_GEMINI_BASE_URL": MODEL_URL}, id="gemini-cli"),
        pytest.param(
            "13-opencode",
            # It would first request a list of models, and wait for it.
            {"ANTHROPIC_BASE_URL": f"{MODEL_URL}/v1", "OPENCODE_DISABLE_MODELS_FETCH": "1"},
            id="opencode",
        ),
        pytest.param("14-aider", {"OPENAI_API_BASE": f"{MODEL_URL}/v1"}, id="aider"),
    ],
)
def test_it_works_on_the_prompt_answers_pauses_and_continues_its_session(
    folder: str, vendor: dict[str, str], ns: KubectlNamespace
) -> None:
    """`vendor` are the environment variables with the address of its vendor's API."""
    example = Example(ns, folder)
    example.set_up("templateversion", environment=ALONE | vendor)
    example.begin()
    ns.wait_answer("I wrote hello.txt.", seconds=PATIENCE)
    ns.wait_state("Idle", build=1, seconds=PATIENCE)
    written = ns.inside("hello-1", "agent", "cat", "/home/agent/work/hello.txt")
    assert written.stdout == "hello there\n", written.stderr
    assert ns.said("user") == [PROMPT]

    ns.pause(True)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused", seconds=PATIENCE)
    assert ns.said("user") == [PROMPT]
    assert any("I wrote hello.txt." in answer for answer in ns.said("agent"))

    ns.pause(False)
    ns.wait_state("Idle", build=3, seconds=PATIENCE)
    ns.say("again", AGAIN)
    ns.wait_answer("You first asked: Please write hello.txt", seconds=PATIENCE)
    ns.wait_state("Idle", build=3, seconds=PATIENCE)
    assert ns.said("user") == [PROMPT, AGAIN]

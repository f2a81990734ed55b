"""The examples' agents, started by the examples' own commands: real programs under taskyard-init, with the sidecar.

Their model is a script on loopback (modelserver.py), so they go as far as they go without their vendor: the prompt is
typed, a file is written, the answer is read. TASKYARD_AGENTS names the folders of such programs, divided by colons; one
that is not there is skipped by name.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.record import serving
from taskyard.api.templateversion import TemplateVersionSpec
from taskyard.core import driving
from taskyard.core.observed import TemplateView
from unit.sidecar.authority import Authority
from unit.sidecar.conftest import gateway_running, pod_running
from unit.sidecar.pod import Pod, build_init, until

EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
PROMPT = "Please write hello.txt saying hello there\nthen stop."
NOWHERE = "http://127.0.0.1:9"
AGENTS = os.environ.get("TASKYARD_AGENTS", "")


@dataclass(frozen=True)
class Example:
    """`vendor` are the variables that say where its vendor's interface is; {} stands for the script's address. One that
    offers its default model no tool that the script knows is told that nothing can be written.
    """

    folder: str
    version: str
    program: str
    vendor: dict[str, str]
    writes: bool = True

    @property
    def answer(self) -> str:
        return "I wrote hello.txt." if self.writes else "I cannot write hello.txt."


# OpenCode would ask for a list of models first, and wait for it.
ALONE = {"OPENCODE_DISABLE_MODELS_FETCH": "1"}
EXAMPLES_WITH_AGENTS = [
    Example("10-claude-code", "templateversion", "claude", {"ANTHROPIC_BASE_URL": "{}"}),
    Example("10-claude-code", "templateversion-acp", "claude-agent-acp", {"ANTHROPIC_BASE_URL": "{}"}),
    Example("11-codex", "templateversion", "codex", {"OPENAI_BASE_URL": "{}/v1"}, writes=False),
    Example("12-gemini-cli", "templateversion", "gemini", {"GOOGLE_GEMINI_BASE_URL": "{}"}),
    Example("13-opencode", "templateversion", "opencode", {"ANTHROPIC_BASE_URL": "{}/v1", **ALONE}),
    Example("14-aider", "templateversion", "aider", {"OPENAI_API_BASE": "{}/v1"}),
]


def manifest(example: Example, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / example.folder / f"{name}.yaml").read_text())
    return found


@pytest.fixture
def home() -> Iterator[Path]:
    """Not in /tmp, where one of them refuses to have its home."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="ty-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def init_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_init(tmp_path_factory.mktemp("init"))


@pytest.fixture
def pod(home: Path, init_program: Path) -> Iterator[Pod]:
    with gateway_running(Authority(), home) as gateway, pod_running(gateway, init_program, home) as pod:
        yield pod


def unable(example: Example) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(example.program, path=AGENTS) is None,
        reason=f"agents: {example.program} is not in a folder of TASKYARD_AGENTS",
    )


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, id=f"{example.folder}-{example.program}", marks=unable(example))
        for example in EXAMPLES_WITH_AGENTS
    ],
)
def test_it_works_on_the_prompt_and_answers(example: Example, pod: Pod) -> None:
    taken = manifest(example, example.version)
    spec = TemplateVersionSpec.model_validate(taken["spec"])
    version = TemplateView.of(taken | {"spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True)})
    (container,) = version.pod["spec"]["containers"]
    (parameter,) = version.parameters
    (key,) = manifest(example, "secret")["stringData"].values()
    pod.gateway.prompt = PROMPT
    with serving() as url:
        pod.start_agent(
            driving.command(version),
            options=driving.init_options(version),
            environment={
                **{entry["name"]: entry["value"] for entry in container["env"] if entry["name"] != "HOME"},
                **{name: value.format(url) for name, value in example.vendor.items()},
                parameter.env: key,
                "PATH": os.pathsep.join([AGENTS, os.environ["PATH"]]),
                "HTTP_PROXY": NOWHERE,
                "HTTPS_PROXY": NOWHERE,
                "NO_PROXY": "127.0.0.1,localhost",
                "IS_SANDBOX": "1",
                "CLAUDE_CODE_EXECUTABLE": shutil.which("claude", path=AGENTS) or "",
            },
        )
        sidecar = driving.sidecar_environment(version, default_mount=str(pod.home))
        if "TASKYARD_AGENT_DIRECTORY" in sidecar:
            sidecar["TASKYARD_AGENT_DIRECTORY"] = str(pod.home)
        pod.start_sidecar(**sidecar)
        until("the answer", lambda: example.answer in str(pod.contents()[-1:]), patience=90)
        until("the agent to wait", lambda: pod.status() == "stable", patience=30)
    assert [content for role, content in pod.contents() if role == "user"] == [PROMPT]
    assert [path.read_text() for path in pod.home.rglob("hello.txt")] == ["hello there\n"] * example.writes
    until("the idle state", lambda: pod.gateway.reports[-1]["state"] == "idle")

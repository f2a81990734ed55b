"""How each real agent is started so that it uses the scripted model and asks nothing, or, with `question`, so that it
asks. Its files are in its home; none of its settings reaches the network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

KEY = "sk-ant-scripted-0000000000000000000000"


@dataclass
class Agent:
    """`command` are the arguments after the path of the program; `directory` is its working directory."""

    home: Path
    url: str
    question: str = ""
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        return self.home / "work"

    def write(self, path: str, content: object) -> None:
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))


def claude(agent: Agent) -> None:
    """Questions: `trust`, `key`, `bypass`, `permission` (before it runs a command), `login`."""
    settings = {
        "hasCompletedOnboarding": True,
        "bypassPermissionsModeAccepted": agent.question != "bypass",
        "customApiKeyResponses": {"approved": [] if agent.question == "key" else [KEY[-20:]]},
        "projects": {str(agent.directory): {"hasTrustDialogAccepted": agent.question != "trust"}},
    }
    agent.write(".claude.json", settings)
    agent.environment |= {
        "ANTHROPIC_BASE_URL": agent.url,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "IS_SANDBOX": "1",
    }
    if agent.question != "login":
        agent.environment["ANTHROPIC_API_KEY"] = KEY
    if agent.question not in ("permission", "trust"):
        agent.command.append("--dangerously-skip-permissions")


def codex(agent: Agent) -> None:
    """Questions: `login`. Without --no-daemon it would leave a server behind."""
    agent.command.append("--no-daemon")
    if agent.question != "login":
        provider = f'name = "local"\nbase_url = "{agent.url}/v1"\nwire_api = "responses"\nenv_key = "OPENAI_API_KEY"\n'
        agent.write(
            ".codex/config.toml",
            'model = "scripted"\nmodel_provider = "local"\ncheck_for_update_on_startup = false\n'
            f'[model_providers.local]\n{provider}[projects."{agent.directory}"]\ntrust_level = "trusted"\n',
        )
        agent.environment["OPENAI_API_KEY"] = "scripted"
        agent.command.append("--dangerously-bypass-approvals-and-sandbox")


def gemini(agent: Agent) -> None:
    """Questions: `trust`, `permission`."""
    settings = {
        "security": {
            "auth": {"selectedType": "gemini-api-key"},
            "folderTrust": {"enabled": agent.question == "trust"},
        },
        "general": {"enableAutoUpdate": False},
        "privacy": {"usageStatisticsEnabled": False},
        "model": {"name": "gemini-2.5-flash"},
    }
    agent.write(".gemini/settings.json", settings)
    agent.environment |= {"GEMINI_API_KEY": "scripted", "GOOGLE_GEMINI_BASE_URL": agent.url}
    if not agent.question:
        agent.command.append("--yolo")


def opencode(agent: Agent) -> None:
    """Questions: `permission`."""
    rule = "ask" if agent.question == "permission" else "allow"
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{agent.url}/v1", "apiKey": "scripted"},
        "models": {"scripted": {"name": "Scripted"}},
    }
    settings = {
        "model": "local/scripted",
        "autoupdate": False,
        "share": "disabled",
        "permission": {"bash": rule, "edit": rule},
        "provider": {"local": {"name": "Local", **provider}},
    }
    agent.write(".config/opencode/opencode.json", settings)
    agent.environment["OPENCODE_DISABLE_MODELS_FETCH"] = "1"


def aider(agent: Agent) -> None:
    """Questions: `git` (whether to create a repository)."""
    agent.environment |= {"OPENAI_API_KEY": "scripted", "OPENAI_API_BASE": f"{agent.url}/v1"}
    agent.command += ["--model", "openai/scripted", "--edit-format", "diff", "--no-check-update"]
    agent.command += ["--no-show-model-warnings", "--no-show-release-notes", "--analytics-disable"]
    agent.command += [] if agent.question else ["--yes-always", "--no-git"]


PROGRAMS: dict[str, Callable[[Agent], None]] = {
    "claude": claude,
    "codex": codex,
    "gemini": gemini,
    "opencode": opencode,
    "aider": aider,
}


def prepared(program: str, home: Path, url: str, question: str = "") -> Agent:
    """Writes the agent's settings into its home. A proxy that does not answer keeps it from the network."""
    agent = Agent(home, url, question)
    agent.directory.mkdir(parents=True, exist_ok=True)
    nowhere = "http://127.0.0.1:9"
    agent.environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1,localhost",
    }
    PROGRAMS[program](agent)
    return agent

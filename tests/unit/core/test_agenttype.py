from __future__ import annotations

import pytest

from taskyard.core import agenttype


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        pytest.param(["claude", "--continue"], "claude", id="its name"),
        pytest.param(["/opt/agent/bin/codex"], "codex", id="its path"),
        pytest.param(["npx", "opencode-ai@1.18"], "opencode", id="a package with its version"),
        pytest.param(["npx", "-y", "@google/gemini-cli"], "gemini", id="a package with its owner"),
        pytest.param(
            ["node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"], "claude", id="a file of a package"
        ),
        pytest.param(["sh", "-c", "cd work; exec aider --yes-always"], "aider", id="in a script"),
        pytest.param(["sh", "-c", "cp settings ~/.claude.json\nexec codex"], "codex", id="not by its settings' file"),
        pytest.param(["bash", "-i"], "custom", id="a shell"),
        pytest.param(["python3", "claudette.py"], "custom", id="only like one"),
        pytest.param([], "custom", id="nothing"),
    ],
)
def test_type_is_guessed_from_the_command(command: list[str], kind: str) -> None:
    assert agenttype.of(command) == kind

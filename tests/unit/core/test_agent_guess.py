from __future__ import annotations

import pytest
import yaml

from localcluster.locations import REPOSITORY
from taskyard.core import agent_guess

IF = "if ls sessions/*; then exec claude --continue; else exec claude; fi"
CASE = 'case "$1" in (new) exec claude;; *) exec claude --continue;; esac'
HERE = """
cat > "$HOME/.codex/config.toml" <<-'EOF'
	command = "exec claude"
	EOF
exec codex "$@"  # not claude
"""


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        pytest.param(["claude", "--continue"], "claude", id="its name"),
        pytest.param(["/opt/agent/bin/codex"], "codex", id="its path"),
        pytest.param(["npx", "opencode-ai@1.18"], "opencode", id="a package with its version"),
        pytest.param(["npx", "-y", "@google/gemini-cli"], "gemini", id="a package with its owner"),
        pytest.param(["npx", "-y", "@anthropic-ai/claude-code@2.1.197", "-c"], "claude", id="both"),
        pytest.param(["npx", "--package", "@openai/codex", "--", "codex"], "codex", id="a package named before"),
        pytest.param(["npm", "exec", "-c", "claude --resume"], "claude", id="a script of npm"),
        pytest.param(["bun", "x", "opencode-ai"], "opencode", id="bun"),
        pytest.param(["uvx", "--python", "3.12", "--from", "aider-chat==0.86", "aider"], "aider", id="uvx"),
        pytest.param(["uv", "tool", "run", "aider-chat>=0.86"], "aider", id="uv"),
        pytest.param(["pipx", "run", "aider-chat"], "aider", id="pipx"),
        pytest.param(
            ["node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"], "claude", id="a file of a package"
        ),
        pytest.param(["node", "--max-old-space-size=4096", "/opt/gemini.js"], "gemini", id="a file"),
        pytest.param(["python", "-m", "aider", "--yes"], "aider", id="a module"),
        pytest.param(["python3.12", "-u", "-m", "aider.main"], "aider", id="a part of a module"),
        pytest.param(["env", "-u", "CI", "LANG=C.UTF-8", "claude"], "claude", id="env"),
        pytest.param(["env", "-S", "codex --no-daemon"], "codex", id="env splits"),
        pytest.param(["tini", "-s", "--", "nice", "-n", "5", "claude"], "claude", id="runners within runners"),
        pytest.param(["timeout", "-k", "5", "2h", "codex"], "codex", id="timeout"),
        pytest.param(["sudo", "-u", "agent", "-E", "claude"], "claude", id="sudo"),
        pytest.param(["gosu", "agent", "claude"], "claude", id="gosu"),
        pytest.param(["su", "agent", "-c", "cd work; claude"], "claude", id="su"),
        pytest.param(["runuser", "-u", "agent", "--", "claude", "-c"], "claude", id="runuser"),
        pytest.param(["su", "-", "claude"], "custom", id="T5: a user of that name"),
        pytest.param(["su", "codex", "-c", "exec claude"], "claude", id="T5: a user's script"),
        pytest.param(["runuser", "-l", "claude"], "custom", id="T5: runuser with a user of that name"),
        pytest.param(["sudo", "-iu", "claude", "bash"], "custom", id="T5: sudo with letters in one word"),
        pytest.param(["sudo", "-uclaude", "codex"], "codex", id="T5: sudo with a user in the same word"),
        pytest.param(["node", "--require", "claude", "app.js"], "custom", id="T5: a module loaded before"),
        pytest.param(["script", "-qec", "codex", "/dev/null"], "codex", id="letters of options together"),
        pytest.param(["script", "-q", "-c", "goose session", "/dev/null"], "goose", id="script"),
        pytest.param(["mise", "exec", "node@22", "--", "amp"], "amp", id="an environment's program"),
        pytest.param(["cursor-agent"], "cursor", id="Cursor"),
        pytest.param(["q", "chat"], "amazonq", id="Amazon Q"),
        pytest.param(["bash", "/opt/bin/claude.sh"], "claude", id="a file of a shell"),
        pytest.param(["bash", "-i"], "custom", id="a shell"),
        pytest.param(["bash", "--rcfile", "codex", "-i"], "custom", id="a shell with a file of that name"),
        pytest.param(["python3", "claudette.py"], "custom", id="only like one"),
        pytest.param(["python3", "-c", "import aider"], "custom", id="a text of an interpreter"),
        pytest.param(["vim", "claude"], "custom", id="a file that is shown"),
        pytest.param(["less", "/src/codex/README"], "custom", id="a folder of that name"),
        pytest.param(["git", "clone", "https://example.org/q"], "custom", id="an address that ends with one"),
        pytest.param(["env"], "custom", id="a runner of nothing"),
        pytest.param(["A=claude"], "custom", id="an assignment"),
        pytest.param([], "custom", id="nothing"),
        pytest.param([""], "custom", id="an empty word"),
    ],
)
def test_type_is_that_of_the_program_that_the_command_runs(command: list[str], kind: str) -> None:
    assert agent_guess.of(command) == kind


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        pytest.param("cd work; exec aider --yes-always", "aider", id="exec"),
        pytest.param("cp settings ~/.claude.json\nexec codex", "codex", id="not by its settings' file"),
        pytest.param("mkdir -p codex && cd codex && exec bash --norc -i", "custom", id="not by a folder"),
        pytest.param("cd /src/claude && exec python3 -i", "custom", id="not by a path"),
        pytest.param("echo claude", "custom", id="not by what is printed"),
        pytest.param("claude --version; exec bash", "custom", id="not by what ran before"),
        pytest.param("command -v claude || npm install -g claude; bash -i", "custom", id="not by what is looked for"),
        pytest.param("exec bash -i; claude", "custom", id="not by what never runs"),
        pytest.param("codex & exec bash -i", "custom", id="not by what runs in the background"),
        pytest.param("# claude\nexec bash", "custom", id="not by a comment"),
        pytest.param("bash -c 'echo \"claude; codex\"; exec fish'", "custom", id="not by a quotation"),
        pytest.param("source ~/.profile; claude --resume || claude", "claude", id="or"),
        pytest.param("claude --continue || bash", "claude", id="or a shell"),
        pytest.param("cd work && claude && echo done", "claude", id="and"),
        pytest.param("claude 2>&1 | tee log", "claude", id="a pipeline"),
        pytest.param("yes | codex", "codex", id="the end of a pipeline"),
        pytest.param(IF, "claude", id="if"),
        pytest.param(CASE, "claude", id="case"),
        pytest.param("[ -e s ] && exec claude --continue\nexec claude", "claude", id="a condition before exec"),
        pytest.param("while true; do claude; sleep 1; done", "claude", id="a loop"),
        pytest.param("for i in codex; do claude; done", "claude", id="a loop over words"),
        pytest.param("(cd work; exec gemini)", "gemini", id="a subshell"),
        pytest.param("{ opencode; }", "opencode", id="a group"),
        pytest.param("claude; exit $?", "claude", id="exit"),
        pytest.param("trap 'kill 0' EXIT; server & codex", "codex", id="beside something in the background"),
        pytest.param('run() { exec claude "$@"; }\nrun --continue', "claude", id="a function"),
        pytest.param("A=1 B=$(cat <<< '; codex') exec claude", "claude", id="assignments before it"),
        pytest.param("agent=codex; exec $agent", "codex", id="a variable of the script"),
        pytest.param("exec ${AGENT:-claude --continue}", "claude", id="a default"),
        pytest.param('exec "$AGENT"', "custom", id="a variable of the environment"),
        pytest.param("eval 'exec claude'", "claude", id="eval"),
        pytest.param("exec bash -lc 'exec claude'", "claude", id="a shell in a shell"),
        pytest.param("exec \\\n  claude", "claude", id="a line that goes on"),
        pytest.param("echo $(( 1 << 3 )); claude", "claude", id="arithmetic"),
        pytest.param("diff <(claude) <(codex); aider", "aider", id="process substitution"),
        pytest.param(HERE, "codex", id="a here-document"),
        pytest.param("cat <<EOF\nEOF2\nclaude", "custom", id="a here-document without its end"),
        pytest.param("claude 'an open quotation", "claude", id="a quotation without its end"),
        pytest.param("((((", "custom", id="no script"),
    ],
)
def test_type_is_that_of_the_last_command_of_a_script(script: str, kind: str) -> None:
    """T5"""
    assert agent_guess.of(["bash", "-lc", script]) == kind


def test_arguments_of_a_script_may_be_the_program() -> None:
    assert agent_guess.of(["sh", "-ec", 'mkdir -p work; exec "$@"', "--", "codex", "--full-auto"]) == "codex"
    assert agent_guess.of(["sh", "-c", "exec $0 $1", "claude", "codex"]) == "claude"


def test_a_shell_in_a_shell_without_end_is_no_program() -> None:
    command = ["claude"]
    for _ in range(100):
        command = ["env", *command]
    assert agent_guess.of(command) == "custom"


@pytest.mark.parametrize(
    ("example", "kind"),
    [
        ("01-shell", "custom"),
        ("10-claude-code", "claude"),
        ("11-codex", "codex"),
        ("12-gemini-cli", "gemini"),
        ("13-opencode", "opencode"),
        ("14-aider", "aider"),
    ],
)
def test_programs_of_the_examples_are_known(example: str, kind: str) -> None:
    version = yaml.safe_load((REPOSITORY / "deploy" / "examples" / example / "templateversion.yaml").read_text())
    (container,) = version["spec"]["pod"]["spec"]["containers"]
    assert agent_guess.of(container["command"]) == kind

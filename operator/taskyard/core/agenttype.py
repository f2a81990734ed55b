"""Which program an agent is; the names are those of the AgentAPI contract."""

CUSTOM = "custom"
SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
# The types, by the names of programs and packages.
TYPES = {
    "claude": "claude",
    "claude-code": "claude",
    "codex": "codex",
    "gemini": "gemini",
    "gemini-cli": "gemini",
    "opencode": "opencode",
    "opencode-ai": "opencode",
    "aider": "aider",
    "aider-chat": "aider",
    "goose": "goose",
    "copilot": "copilot",
    "amp": "amp",
    "auggie": "auggie",
    "cursor-agent": "cursor",
    "q": "amazonq",
}

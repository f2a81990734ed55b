"""Which program an agent is, guessed from its command; the names are those of the AgentAPI contract."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

CUSTOM = "custom"
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
_WORDS = re.compile(r"[\s;&|()'\"=]+")
_PACKAGES = {"node_modules", "site-packages"}


def of(command: Sequence[str]) -> str:
    """The first known name among the command's words, including those of a shell script: as the last part of a path
    (`/usr/bin/claude`), with a version (`opencode-ai@1.2`), or as a package in a path (`…/node_modules/…/cli.js`).
    """
    for word in itertools.chain.from_iterable(_WORDS.split(argument) for argument in command):
        parts = [part.partition("@")[0] for part in word.split("/")]
        for name in parts if _PACKAGES & set(parts) else parts[-1:]:
            if name in TYPES:
                return TYPES[name]
    return CUSTOM

"""kubectl as a user runs it: the reader can repeat a command that is shown.

Every command is written to a log file with its output; output that is shown goes to standard output.
"""

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcluster import guarded, progress

# kubectl itself has no overall time limit; a request that hangs must not block the caller.
_SECONDS = 30.0


@dataclass(frozen=True)
class Said:
    """How a command ended: ``status`` is its exit status (124: it exceeded its time and was ended)."""

    status: int
    output: str
    errors: str

    @property
    def cause(self) -> str:
        """The line that best describes what went wrong."""
        return progress.telling_line(self.errors or self.output)


@dataclass(frozen=True)
class Kubectl:
    """``environment`` selects the cluster; file names are relative to ``folder``."""

    program: Path
    environment: Mapping[str, str]
    folder: Path
    log: Path

    def command_line(self, *arguments: str) -> str:
        """The command as a user would type it."""
        return shlex.join(("kubectl", *arguments))

    def attempt(self, *arguments: str, stdin: str | None = None, seconds: float = _SECONDS) -> Said:
        """Runs a command without showing it and never raises for its exit status; it is ended after ``seconds``."""
        command: list[str | Path] = [self.program, *arguments]
        try:
            done = subprocess.run(
                command,
                # Without input of ours, kubectl must not read our caller's.
                **({"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}),
                capture_output=True,
                text=True,
                env={**os.environ, **self.environment},
                cwd=self.folder,
                timeout=seconds,
                check=False,
            )
            said = Said(done.returncode, done.stdout, done.stderr)
        except subprocess.TimeoutExpired:
            said = Said(124, "", f"kubectl did not exit within {progress.duration(seconds)}")
        except OSError as error:
            said = Said(127, "", str(error))
        self._keep(self.command_line(*arguments), said)
        return said

    def ask(self, *arguments: str, seconds: float = _SECONDS) -> dict[str, Any] | None:
        """The object or list that ``kubectl … --output=json`` answers with; None when it answers with an error."""
        said = self.attempt(*arguments, "--output=json", seconds=seconds)
        try:
            value = json.loads(said.output) if said.status == 0 else None
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects of ``kubectl get … --output=json``; none when it answers with an error."""
        found: list[dict[str, Any]] = (self.ask(*arguments) or {}).get("items", [])
        return found

    def follow(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Starts a command that keeps running (``--watch``); the caller reads its output, ``guarded`` ends it."""
        return guarded.start(
            [self.program, *arguments],
            environment=self.environment,
            folder=self.folder,
            output=subprocess.PIPE,
            errors=subprocess.DEVNULL,
        )

    def _keep(self, line: str, said: Said) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as handle:
            handle.write(f"$ {line}\n{said.output}{said.errors}")
            if said.status != 0:
                handle.write(f"(exit status {said.status})\n")

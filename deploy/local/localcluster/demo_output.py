"""What the demo prints, and how it waits: commands as they are typed, the table beside them, and why a wait failed."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from localcluster import demo_assertions, diagnostics, guarded, progress
from localcluster.kubectl import Kubectl, Said

_write_lock = threading.Lock()
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def tell(text: str = "") -> None:
    """Prints text immediately, never in the middle of another line."""
    with _write_lock:
        print(text, flush=True)


def title(text: str) -> None:
    """Prints a heading."""
    bold, plain = (_BOLD, _PLAIN) if sys.stdout.isatty() else ("", "")
    tell(f"\n{bold}# {text}{plain}")


class Table:
    """``kubectl get … --watch`` in the background: a row is printed when more than its age has changed."""

    def __init__(self, kubectl: Kubectl, *arguments: str) -> None:
        self._kubectl = kubectl
        self._arguments = (*arguments, "--watch")
        self._last = ""
        self._quiet_since = time.monotonic()

    @contextlib.contextmanager
    def shown(self) -> Iterator["Table"]:
        tell(f"$ {self._kubectl.command_line(*self._arguments)} &")
        child = self._kubectl.follow(*self._arguments)
        reader = threading.Thread(target=self._read, args=(child,), daemon=True)
        reader.start()
        try:
            yield self
        finally:
            guarded.end(child)
            reader.join(5)

    def settle(self, quiet: float = 0.3, most: float = 2.0) -> None:
        """Waits until no row has arrived for ``quiet`` seconds, so that the next output comes after its row."""
        until = time.monotonic() + most
        while time.monotonic() < until and time.monotonic() - self._quiet_since < quiet:
            time.sleep(0.05)

    def _read(self, child: "subprocess.Popen[bytes]") -> None:
        assert child.stdout is not None
        for line in child.stdout:
            row = line.decode(errors="replace")
            self._quiet_since = time.monotonic()
            if demo_assertions.without_age(row) != self._last:
                self._last = demo_assertions.without_age(row)
                tell(f"    {row.rstrip()}")


@dataclass(frozen=True)
class DemoOutput:
    """The demo's Task, and the kubectl to show it with."""

    kubectl: Kubectl
    namespace: str
    task: str

    def run(self, *arguments: str, stdin: str | None = None, seconds: float = 60.0) -> str:
        """Prints a command, runs it, prints and returns its output. Raises ``StepError`` when it fails."""
        line = self.kubectl.command_line(*arguments)
        tell(f"$ {line}" + (f" <<'EOF'\n{stdin.rstrip()}\nEOF" if stdin is not None else ""))
        said = self.kubectl.attempt(*arguments, stdin=stdin, seconds=seconds)
        self._show(said)
        if said.status != 0:
            raise self._failure(line, said.cause)
        return said.output

    def wait(self, what: str, condition: str, *, seconds: float = 60.0) -> None:
        """``kubectl wait``, stopped early when the Task's build fails: such a Task does not recover by itself."""
        arguments = ("-n", self.namespace, "wait", what, f"--for={condition}", f"--timeout={int(seconds)}s")
        line = self.kubectl.command_line(*arguments)
        tell(f"$ {line}")
        outcome: list[Said] = []
        waiting = threading.Thread(
            target=lambda: outcome.append(self.kubectl.attempt(*arguments, seconds=seconds + 10)), daemon=True
        )
        waiting.start()
        while waiting.is_alive():
            waiting.join(5)
            if waiting.is_alive() and diagnostics.is_over(self._task()):
                raise self._failure(line, "the Task's build failed")
        if outcome[0].status != 0:
            raise self._failure(line, outcome[0].cause)
        # The table sees the same change a moment later: its row is printed first.
        time.sleep(0.2)
        self._show(outcome[0])

    def until(self, what: str, found: Callable[[], str | None], *, seconds: float = 30.0) -> str:
        """Polls without output until there is an answer; ``what`` describes what is awaited."""
        until = time.monotonic() + seconds
        while (answer := found()) is None:
            if time.monotonic() > until:
                raise self._failure(what, f"not there after {progress.duration(seconds)}")
            time.sleep(0.5)
        return answer

    def log_of_sidecar(self, pod: str) -> str:
        """The log of a Pod's sidecar so far; empty when it cannot be read."""
        return self.kubectl.attempt("--namespace", self.namespace, "logs", pod, "--container=taskyard-sidecar").output

    def show_conversation(self, pod: str) -> None:
        """Prints the messages in the log of a Pod's sidecar, with the command that a user would type."""
        line = self.kubectl.command_line("-n", self.namespace, "logs", pod, "-c", "taskyard-sidecar")
        tell(f"$ {line} | grep '\"role\"'")
        for found in demo_assertions.conversation_lines(self.log_of_sidecar(pod)):
            tell(f"    {found}")

    def pod(self) -> str:
        """Name of the Task's Pod."""
        return str(self._task().get("status", {}).get("workspace", {}).get("pod") or f"{self.task}-1")

    def _show(self, said: Said) -> None:
        for row in (said.output + said.errors).splitlines():
            tell(f"    {row}".rstrip())

    def _task(self) -> diagnostics.Object:
        return self.kubectl.ask("--namespace", self.namespace, "get", "tasks.taskyard.dev", self.task) or {}

    def _failure(self, title: str, cause: str) -> progress.StepError:
        """Prints the state of the Task, its Pods and their events; returns the error that names the nearest cause."""
        task = self._task()
        pods = self._items("pods", "--selector", f"taskyard.dev/task={self.task}")
        inputs = self._items("taskinputs.taskyard.dev")
        troubles = diagnostics.of_pods(pods)
        lines = [f"Task {self.task}: {line}" for line in diagnostics.conditions(task)]
        lines += [one.text for one in troubles]
        lines += [
            f"TaskInput {one['metadata']['name']}: {one.get('status', {}).get('phase')}: {one['status']['message']}"
            for one in inputs
            if one.get("status", {}).get("message")
        ]
        lines += diagnostics.warnings(self._items("events"))
        lines += self._operator_warnings()
        if lines:
            tell("\n    State of the cluster:")
            for line in lines:
                tell(f"    - {line}")
        nearest = troubles[0].text if troubles else diagnostics.of_task(task)
        return progress.StepError(title, f"{cause} ({nearest})" if nearest else cause, self.kubectl.log)

    def _items(self, *arguments: str) -> list[diagnostics.Object]:
        return self.kubectl.items("--namespace", self.namespace, "get", *arguments)

    def _operator_warnings(self) -> list[str]:
        said = self.kubectl.attempt(
            "--namespace=taskyard", "logs", "deployment/taskyard-operator", "--all-pods", "--tail=200"
        )
        told = [line for line in said.output.splitlines() if " WARNING " in line or " ERROR " in line]
        return [f"operator: {line}" for line in told[-3:]]


def logs_at(path: Path) -> None:
    """Starts a log file afresh."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")

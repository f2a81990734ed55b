"""The page on backup, restore and moving, followed line by line on a real node (K3)."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.kubectl_namespace import KubectlNamespace
from kube import Kube, phase_is
from localcluster import locations, programs

PAGE = locations.REPOSITORY / "docs" / "backup.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(heading: str) -> str:
    """The commands of a section of the page."""
    _, _, rest = PAGE.read_text().partition(f"\n## {heading}\n")
    section = rest.partition("\n## ")[0]
    found = "".join(BLOCK.findall(section))
    assert found, f"no commands under {heading!r}"
    return found


@pytest.fixture
def target(installation: Path, kube: Kube) -> Iterator[KubectlNamespace]:
    """Another namespace."""
    target = KubectlNamespace(installation, kube, f"e2e-{uuid.uuid4().hex[:8]}")
    target.create()
    yield target
    target.remove()


@pytest.fixture
def follow(
    shell: KubectlNamespace, target: KubectlNamespace, installation: Path, tmp_path: Path
) -> Callable[..., None]:
    """Runs sections of the page, with the test's namespaces for the page's; `variables` are set by earlier sections."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").symlink_to(programs.kubectl())

    def run(*headings: str, **variables: str) -> None:
        script = "".join(map(commands, headings))
        for written, meant in (
            ("NAMESPACE=team", f"NAMESPACE={shell.name}"),
            ("TARGET=other", f"TARGET={target.name}"),
        ):
            script = script.replace(written, meant)
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        result = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", script],
            env={**os.environ, "KUBECONFIG": str(installation), "PATH": path, **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr

    return run


def assert_it_goes_on(ns: KubectlNamespace, *, prompt: str, said: str) -> None:
    """The files are there, the agent answers, and the conversation goes on without a second prompt."""
    ns.wait_state("Idle", build=1)
    ns.say(f"after-{said}", f"cat hello.txt; echo {said} $((20 + 3))")
    messages = ns.wait_answer(f"{said} 23")
    assert "Hello from" in messages[-1]["content"]
    assert [m["content"] for m in messages if m["role"] == "user"].count(prompt) == 1, "the prompt was typed again"
    claim = ns.kube.get("persistentvolumeclaims", ns.name, "hello-home")
    task = ns.kube.get("tasks", ns.name, "hello")
    assert claim is not None and task is not None
    assert [owner["uid"] for owner in claim["metadata"]["ownerReferences"]] == [task["metadata"]["uid"]]
    assert "taskyard.dev/adoptable-by" not in claim["metadata"].get("annotations", {})


def queue(ns: KubectlNamespace, *names: str, already: str | None = None) -> None:
    """Pauses the Task, and sends it inputs that wait; `already` is delivered before."""
    if already:
        ns.say(already, f"echo {already} $((20 + 3))")
        ns.wait_answer(f"{already} 23")
    ns.wait_state("Idle")
    ns.pause(True)
    ns.wait("it is paused", lambda status: status.get("phase") == "Paused")
    for name in names:
        ns.say(name, f"echo {name} $((20 + 3))")
    for name in names:
        seen = ns.kube.wait("its place", "taskinputs", ns.name, name, lambda found: "order" in found.get("status", {}))
        assert seen["status"]["phase"] == "Queued"


def assert_what_was_queued_is_typed(ns: KubectlNamespace, *names: str) -> None:
    """Once each, in their order."""
    for name in names:
        ns.wait_answer(f"{name} 23")
        ns.kube.wait(f"{name} is delivered", "taskinputs", ns.name, name, phase_is("Delivered"))
    said = [content.split()[1] for content in ns.said("user") if content.startswith("echo ")]
    assert [name for name in said if name in names] == list(names)


def adoptable_by(ns: KubectlNamespace) -> str | None:
    """The Task that may take the home over, by the claim's annotation."""
    claim = ns.kube.get("persistentvolumeclaims", ns.name, "hello-home")
    assert claim is not None
    found: str | None = claim["metadata"].get("annotations", {}).get("taskyard.dev/adoptable-by")
    return found


def test_a_task_keeps_its_home_when_it_is_orphaned_and_when_it_is_moved(
    shell: KubectlNamespace, target: KubectlNamespace, follow: Callable[..., None]
) -> None:
    """K3."""
    prompt = shell.wait_state("Idle", build=1)["spec"]["prompt"]
    shell.wait_answer("Hello from")

    queue(shell, "first", "second", already="had")
    follow("Save a Task", "Keep the home of a Task that is deleted")
    assert_what_was_queued_is_typed(shell, "first", "second")
    assert_it_goes_on(shell, prompt=prompt, said="again")
    builds = shell.kube.list("workspacebuilds", shell.name)
    assert len({build["metadata"]["ownerReferences"][0]["uid"] for build in builds}) == 1

    queue(shell, "third")
    follow("Save a Task", "Move to another namespace or cluster")
    assert shell.kube.list("persistentvolumeclaims", shell.name) == []
    assert_what_was_queued_is_typed(target, "third")
    target.wait_state("Idle", build=1)
    target.say("moved", "cat hello.txt; echo moved $((20 + 3))")
    messages = target.wait_answer("moved 23")
    assert_it_goes_on(target, prompt=prompt, said="there")
    assert any("again 23" in message["content"] for message in messages), "the conversation has moved along"

    # What the page says for all claims of a namespace at once: not for those that have their Task.
    follow("Restore with Velero", NAMESPACE=target.name)
    assert adoptable_by(target) is None
    target.kubectl("delete", "tasks.taskyard.dev", "hello", "--cascade=orphan")
    follow("Restore with Velero", NAMESPACE=target.name)
    assert adoptable_by(target) == "hello"

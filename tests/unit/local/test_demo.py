"""The demo: what it finds in logs, and how it explains a failed wait."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from localcluster import demo, demo_assertions, diagnostics, locations, progress
from localcluster.demo_output import DemoOutput, Table
from localcluster.kubectl import Kubectl
from localcluster.target import Target


def line(number: int, role: str, content: str) -> str:
    return json.dumps({"time": "2026-01-01T00:00:00.000Z", "id": number, "role": role, "content": content})


LOG = "\n".join(
    [
        "2026-01-01 00:00:00 INFO enrolled",
        line(0, "agent", "$"),
        line(1, "user", "cat hello.txt"),
        '{"role": "someone", "with": "no id"}',
        line(2, "agent", "Hel"),
        line(2, "agent", "Hello"),
        line(3, "user", "date"),
        "not { json",
    ]
)


def test_a_sidecars_log_holds_the_conversation_and_later_lines_replace_earlier_ones() -> None:
    assert [(one.id, one.role, one.content) for one in demo_assertions.messages(LOG)] == [
        (0, "agent", "$"),
        (1, "user", "cat hello.txt"),
        (2, "agent", "Hello"),
        (3, "user", "date"),
    ]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        pytest.param("cat hello.txt", "Hello", id="answered"),
        pytest.param(" cat hello.txt\n", "Hello", id="with blanks around it"),
        pytest.param("date", None, id="not answered yet"),
        pytest.param("ls", None, id="never asked"),
    ],
)
def test_the_answer_to_a_message_is_what_the_agent_says_before_the_next(asked: str, answer: str | None) -> None:
    assert demo_assertions.answer_to(asked, demo_assertions.messages(LOG)) == answer


def test_of_two_equal_messages_the_newest_one_is_answered() -> None:
    log = "\n".join([line(0, "user", "x"), line(1, "agent", "old"), line(2, "user", "x")])
    assert demo_assertions.answer_to("x", demo_assertions.messages(log)) is None


def test_rows_are_alike_when_only_the_age_differs() -> None:
    assert demo_assertions.without_age("hello   Active   Idle   shell   3s\n") == demo_assertions.without_age(
        "hello Active Idle shell 4s"
    )
    assert demo_assertions.without_age("hello   Active   Idle   shell   3s") != demo_assertions.without_age(
        "hello Active Working shell 3s"
    )


@pytest.mark.parametrize(
    ("status", "text"),
    [
        pytest.param("True", None, id="ready"),
        pytest.param("False", "QuotaExceeded: The Pod waits.", id="not ready"),
    ],
)
def test_a_task_that_is_not_ready_gives_its_reason(status: str, text: str | None) -> None:
    ready = {"type": "Ready", "status": status, "reason": "QuotaExceeded", "message": "The Pod waits."}
    assert diagnostics.of_task({"status": {"conditions": [ready]}}) == text
    assert diagnostics.of_task({}) is None


def test_warnings_are_the_newest_events_each_printed_once() -> None:
    def event(kind: str, reason: str, at: int) -> dict[str, Any]:
        about = {"kind": "Pod", "name": "hello-1"}
        return {
            "type": kind,
            "reason": reason,
            "message": "x\ny",
            "involvedObject": about,
            "lastTimestamp": f"2026-01-01T00:00:{at:02}Z",
            "metadata": {},
        }

    events = [event("Warning", "B", 2), event("Normal", "N", 3), event("Warning", "A", 1), event("Warning", "B", 4)]
    assert diagnostics.warnings(events) == ["Pod hello-1: A: x y", "Pod hello-1: B: x y"]
    assert diagnostics.warnings(events, most=1) == ["Pod hello-1: B: x y"]


def test_the_demo_uses_the_objects_of_the_example() -> None:
    folder = locations.REPOSITORY / demo.EXAMPLE
    found = {
        (one["kind"], one["metadata"]["name"])
        for path in folder.glob("*.yaml")
        for one in yaml.safe_load_all(path.read_text())
        if one["kind"] != "Kustomization"
    }
    assert {
        ("Namespace", demo.NAMESPACE),
        ("Task", demo.TASK),
        ("TemplateVersion", demo.TEMPLATE_VERSION),
        ("TaskInput", "hello-again"),
    } <= found
    second = yaml.safe_load(demo._SECOND_INPUT)
    assert second["spec"] == {"task": demo.TASK, "content": demo.AFTER_RESUME}


def test_the_closing_text_says_how_to_continue_and_how_to_clean_up() -> None:
    local = demo.closing(Target(True, {"KUBECONFIG": str(locations.KUBECONFIG)}), seconds=61)
    assert f"export KUBECONFIG={locations.KUBECONFIG}" in local
    assert "make cluster-down" in local
    own = demo.closing(Target(False), seconds=61)
    assert "make cluster-down" not in own
    assert "uninstall taskyard" in own


# A kubectl that answers from a script, to test what is printed and how waiting ends.


def scripted(folder: Path, script: str) -> Kubectl:
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Kubectl(program, {"KUBECONFIG": "/nowhere"}, folder=folder, log=folder / "kubectl.log")


def test_commands_are_shown_before_their_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = DemoOutput(scripted(tmp_path, 'echo "$KUBECONFIG $2"'), "ns", "hello")
    told.run("get", "it's", stdin="a\n")
    assert capsys.readouterr().out.splitlines() == [
        """$ kubectl get 'it'"'"'s' <<'EOF'""",
        "a",
        "EOF",
        "    /nowhere it's",
    ]


def test_a_failed_command_is_reported_with_its_cause_and_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "NoRoom", "message": "Full."}]}}
    (tmp_path / "task.json").write_text(json.dumps(task))
    told = DemoOutput(
        scripted(tmp_path, 'case "$*" in *"get tasks"*) cat task.json;; *) echo "error: timed out" >&2; exit 1;; esac'),
        "ns",
        "hello",
    )
    with pytest.raises(progress.StepError) as failure:
        told.wait("task/hello", "condition=Ready", seconds=1)
    assert failure.value.title.startswith("kubectl -n ns wait task/hello")
    assert failure.value.cause == "error: timed out (NoRoom: Full.)"
    assert failure.value.log == tmp_path / "kubectl.log"
    assert "Task hello: Ready=False NoRoom: Full." in capsys.readouterr().out
    assert "error: timed out" in (tmp_path / "kubectl.log").read_text()


def test_waiting_ends_early_when_the_tasks_build_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "task.json").write_text(json.dumps({"status": {"build": {"phase": "Failed"}}}))
    told = DemoOutput(
        scripted(tmp_path, 'case "$*" in *" wait "*) exec sleep 8;; *"get tasks"*) cat task.json;; *) exit 1;; esac'),
        "ns",
        "hello",
    )
    with pytest.raises(progress.StepError, match="build failed"):
        told.wait("task/hello", "condition=Ready", seconds=60)


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    said = scripted(tmp_path, "exec sleep 60").attempt("get", "pods", seconds=0.2)
    assert (said.status, said.cause) == (124, "kubectl did not exit within 0.2s")


def test_polling_ends_at_its_time_limit(tmp_path: Path) -> None:
    told = DemoOutput(scripted(tmp_path, "exit 1"), "ns", "hello")
    with pytest.raises(progress.StepError, match="not there after"):
        told.until("waiting for an answer", lambda: None, seconds=0.0)
    assert told.until("waiting for an answer", lambda: "yes", seconds=0.0) == "yes"


def test_the_table_shows_a_row_when_more_than_its_age_has_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "NAME STATUS AGE\\nhello Pending 0s\\nhello Pending 1s\\nhello Active 2s\\n"
    kubectl = scripted(tmp_path, f'printf "{rows}"; exec sleep 60')
    with Table(kubectl, "get", "tasks").shown() as table:
        table.settle(quiet=0.5, most=5.0)
    assert capsys.readouterr().out.splitlines() == [
        "$ kubectl get tasks --watch &",
        "    NAME STATUS AGE",
        "    hello Pending 0s",
        "    hello Active 2s",
    ]


def test_the_table_leaves_no_process_behind(tmp_path: Path) -> None:
    kubectl = scripted(tmp_path, "echo $$ > pid; exec sleep 60")
    with Table(kubectl, "get", "tasks").shown() as table:
        table.settle(quiet=0.5, most=5.0)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)

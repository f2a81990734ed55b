"""The reports of the agent's state to the gateway, from first to last: each one once, and none too many."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

import plainhttp
from taskyard.sidecar.conversation.archive import Archive
from taskyard.sidecar.conversation.reports import AgentReport, State
from taskyard.sidecar.gateway.reporter import Reporter
from taskyard.sidecar.reported_state import ReportedState
from unit.sidecar.pod import Pod, until

IDLE = "idle"
# Looks like Claude Code: an answer, an input box, and what it prints over the box's frame when it is asked to end.
LINE = "─" * 40
SAYS_GOODBYE = (
    *("sh", "-c"),
    f"trap 'printf \"\\033[1AResume this session with:\\n\"; exit 0' TERM\n"
    f"printf 'Claude Code v2.1\\n● done\\n\\n{LINE}\\n\u276f \\n{LINE}\\n'; while :; do sleep 0.05; done",
)
STABLE = 1.5  # longer than the agent must rest to be seen as idle, in these tests


@pytest.fixture
def idle_pod(pod: Pod) -> Pod:
    pod.start_agent()
    pod.start_sidecar()
    until("the first idle state", lambda: pod.states()[-1:] == [("idle", "")])
    return pod


def say(pod: Pod, content: str, answer: str) -> None:
    assert pod.post(content).json() == {"ok": True}
    until("the answer's state", lambda: pod.states()[-1] == ("idle", answer))


def report(pod: Pod, **body: object) -> httpx.Response:
    return plainhttp.post(f"http://127.0.0.1:{pod.report_port}/report", json=body)


def test_a_delivery_is_reported_once_and_with_the_new_message_only(idle_pod: Pod) -> None:
    say(idle_pod, "echo one", "one")
    say(idle_pod, "echo two", "two")
    assert idle_pod.states() == [
        ("working", ""),
        ("idle", ""),
        ("working", "echo one"),
        ("idle", "one"),
        ("working", "echo two"),
        ("idle", "two"),
    ]
    assert len(idle_pod.gateway.reports) == 6, "a report was sent twice"


@pytest.mark.parametrize(
    ("task", "build", "counts"),
    [
        pytest.param("first", 1, True, id="the sidecar was restarted"),
        pytest.param("first", 3, False, id="the Task was resumed"),
        pytest.param("restored", 1, False, id="a restored Task has the home, and counts its builds anew"),
    ],
)
async def test_what_the_agent_reported_counts_in_its_task_and_build_alone(
    tmp_path: Path, task: str, build: int, counts: bool
) -> None:
    """K3."""

    async def tell(report: object) -> None: ...

    async def told_in(task: str, build: int) -> Archive:
        archive = Archive(tmp_path / "conversation.jsonl")
        conversation = archive.load()
        reporter, outputs = Reporter(tell, "state"), Reporter(tell, "outputs")
        ReportedState(
            build=build,
            task=task,
            conversation=conversation,
            store=archive.status,
            reporter=reporter,
            outputs_reporter=outputs,
        )
        return archive

    before = await told_in("first", 1)
    before.status.agent_report = AgentReport(State.COMPLETE, "all done", "", 1)
    before.status.save()
    assert (await told_in(task, build)).status.agent_report == (before.status.agent_report if counts else None)


def test_an_agent_that_ends_with_its_pod_leaves_the_last_state(idle_pod: Pod) -> None:
    """As the kubelet does it: the hook, SIGTERM to the agent and, when that has ended, SIGTERM to the sidecar."""
    say(idle_pod, "trap 'echo farewell' TERM; echo done", "done")
    assert idle_pod.health("/prestop").status_code == 200
    idle_pod.stop_agent()
    time.sleep(STABLE)
    assert idle_pod.kill_sidecar(signal.SIGTERM) == 0
    assert idle_pod.states()[-1] == ("idle", "done")


@pytest.mark.parametrize("told_first", ["the sidecar", "the agent"])
def test_shutdown_output_of_a_known_program_is_not_an_answer_whoever_learns_first_that_the_pod_ends(
    pod: Pod, told_first: str
) -> None:
    """The kubelet calls the sidecar's hook and sends SIGTERM to the agent at the same time."""
    pod.start_agent(SAYS_GOODBYE)
    pod.start_sidecar(TASKYARD_AGENT_TYPE="claude")
    until("the first idle state", lambda: pod.states()[-1:] == [("idle", "")])
    assert pod.contents() == [("agent", "Claude Code v2.1\n● done")]
    if told_first == "the sidecar":
        assert pod.health("/prestop").status_code == 200
    assert pod.stop_agent() == 0
    if told_first == "the agent":
        assert pod.health("/prestop").status_code == 200
    time.sleep(STABLE)
    assert pod.contents() == [("agent", "Claude Code v2.1\n● done")]
    assert pod.states()[-1] == ("idle", "")


def test_the_death_of_an_agent_is_not_reported_and_its_next_run_begins_empty(idle_pod: Pod) -> None:
    say(idle_pod, "echo done", "done")
    told = len(idle_pod.states())
    assert idle_pod.agent is not None
    idle_pod.agent.kill()
    idle_pod.agent.wait()
    until("the agent to be unreachable", lambda: idle_pod.health("/readyz").status_code == 503)
    time.sleep(STABLE)
    assert len(idle_pod.states()) == told
    idle_pod.start_agent()
    anew = ("idle", "The agent began anew; the prompt was not repeated")
    until("the new run's idle state", lambda: idle_pod.states()[-1] == anew)
    assert idle_pod.states()[told:] == [("working", anew[1]), anew]


def test_a_resume_with_nothing_to_type_shows_no_old_message(idle_pod: Pod) -> None:
    say(idle_pod, "echo done", "done")
    idle_pod.stop_agent()
    idle_pod.kill_sidecar(signal.SIGTERM)
    told = len(idle_pod.states())
    idle_pod.start_agent()
    idle_pod.start_sidecar(TASKYARD_BUILD_NUMBER="3")
    until("the resumed agent's idle state", lambda: idle_pod.states()[told:][-1:] == [("idle", "")])
    assert idle_pod.states()[told:] == [("working", ""), ("idle", "")]


def test_complete_lasts_until_the_next_message_whatever_the_screen_shows(idle_pod: Pod) -> None:
    say(idle_pod, "echo one", "one")
    assert report(idle_pod, state="complete", summary="all done", link="https://example.test/1").text == "ok\n"
    until("the report", lambda: idle_pod.states()[-1] == ("complete", "all done"))
    assert idle_pod.gateway.reports[-1]["uri"] == "https://example.test/1"
    idle_pod.post("echo typed by hand\r", kind="raw")
    until("the screen", lambda: "typed by hand" in idle_pod.messages()[-1]["content"])
    idle_pod.until_stable()
    idle_pod.kill_sidecar()
    idle_pod.start_sidecar()
    idle_pod.until_stable()
    time.sleep(0.2)
    assert idle_pod.states()[-1] == ("complete", "all done"), "the screen or a restart has undone the agent's report"
    say(idle_pod, "echo two", "two")
    assert idle_pod.states()[-2:] == [("working", "echo two"), ("idle", "two")]


def test_complete_of_an_earlier_build_does_not_count(idle_pod: Pod) -> None:
    report(idle_pod, state="complete", summary="all done")
    until("the report", lambda: idle_pod.states()[-1] == ("complete", "all done"))
    idle_pod.stop_agent()
    idle_pod.kill_sidecar(signal.SIGTERM)
    idle_pod.start_agent()
    idle_pod.start_sidecar(TASKYARD_BUILD_NUMBER="3")
    until("the resumed agent's idle state", lambda: idle_pod.states()[-1] == ("idle", ""))


def test_a_report_while_working_changes_the_line_and_stays_with_the_idle_state(idle_pod: Pod) -> None:
    idle_pod.post("sleep 0.3; echo done")
    report(idle_pod, state="working", summary="running the tests")
    until("the end", lambda: idle_pod.states()[-1] == ("idle", "running the tests"))
    assert ("working", "running the tests") in idle_pod.states()


@pytest.fixture
def reporter(init_program: Path, idle_pod: Pod) -> str:
    """The path of `taskyard-report`."""
    subprocess.run([init_program, "install", idle_pod.folder], check=True, timeout=10)
    return str(idle_pod.folder / "taskyard-report")


def test_a_shell_reports_by_command(idle_pod: Pod, reporter: str) -> None:
    idle_pod.post(f"{reporter} complete 'it is \"done\": ü\\' --link https://example.test/1; echo status $?")
    until("the report", lambda: idle_pod.states()[-1] == ("complete", 'it is "done": ü\\'))
    idle_pod.until_stable()
    assert idle_pod.states()[-1] == ("complete", 'it is "done": ü\\')
    assert idle_pod.gateway.reports[-1]["uri"] == "https://example.test/1"
    assert idle_pod.contents()[-1] == ("agent", "status 0")


def test_outputs_reach_the_gateway_and_survive_the_sidecar(idle_pod: Pod, reporter: str) -> None:
    idle_pod.gateway.failures = [503]
    idle_pod.post(f"{reporter} output pr=https://example.test/1; {reporter} output 'text=a = b'")
    wanted = [{"name": "pr", "value": "https://example.test/1"}, {"name": "text", "value": "a = b"}]
    until("the outputs", lambda: idle_pod.gateway.outputs[-1:] == [wanted])
    idle_pod.kill_sidecar()
    idle_pod.gateway.outputs.clear()
    idle_pod.start_sidecar(TASKYARD_BUILD_NUMBER="3")
    until("the outputs again", lambda: idle_pod.gateway.outputs == [wanted])

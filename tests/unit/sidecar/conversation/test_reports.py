from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.core.text_sanitizer import CONTROLS
from taskyard.sidecar.conversation import reports
from taskyard.sidecar.conversation.conversation import Conversation
from taskyard.sidecar.conversation.reports import AgentReport, AgentReportError, State
from taskyard.sidecar.conversation.status import Status

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("  a \t b\r\nc ", "a b c", id="white space collapses"),
        pytest.param("\x1b[1;31mred\x1b[0m \x1b]0;title\x07x", "red x", id="escape sequences are removed"),
        pytest.param("a\x00\x07\u200b\u202eb", "a\u200bb", id="control characters are removed"),
        pytest.param("10\u00a0000 €", "10\u00a0000 €", id="T8: a space that does not break"),
        pytest.param("你好\u3000世界", "你好\u3000世界", id="T8: an ideographic space"),
        pytest.param("x" * 161, "x" * 157 + "…", id="cut at 160 bytes"),
        pytest.param("x" * 160, "x" * 160, id="160 bytes stay"),
        pytest.param("€" * 60, "€" * 52 + "…", id="never cut inside a character"),
    ],
)
def test_message_is_made_one_printable_line(text: str, expected: str) -> None:
    assert reports.sanitise(text) == expected


@settings(deadline=None)  # the machine may be busy
@given(st.text(st.characters(), max_size=300))
def test_message_is_always_short_and_printable(text: str) -> None:
    line = reports.sanitise(text)
    assert len(line.encode()) <= 160
    assert not CONTROLS.search(line)
    assert "\n" not in line
    assert line == line.strip()


def conversation() -> Conversation:
    """An agent that has shown a greeting in its run `run` and got a message."""
    talk = Conversation()
    talk.begin_run("run")
    talk.answer("Welcome\n$", NOW)
    talk.say("\nfix it\nplease", key="k", instance="run", position=0, now=NOW)
    return talk


def tell(
    status: Status, talk: Conversation, instance: str = "run", agent_report: AgentReport | None = None
) -> tuple[str, str]:
    told = reports.report(status, talk, instance=instance, agent_report=agent_report)
    return told.state, told.message


def test_working_shows_what_was_asked_and_idle_what_was_answered() -> None:
    talk = conversation()
    assert tell(Status.RUNNING, talk) == ("working", "fix it")
    talk.answer("looking\ndone\n\n", NOW)
    assert tell(Status.STABLE, talk) == ("idle", "done")
    told = reports.report(Status.STABLE, talk, instance="run", prompt_sha256="ab")
    assert told == reports.Report(reports.State.IDLE, "done", "ab")


def test_what_keeps_the_prompt_from_the_agent_is_told_of_an_agent_whose_start_is_followed() -> None:
    """T2"""
    plain = reports.Report(State.WORKING, "")
    assert "starting" not in plain.body()
    assert reports.Report(State.WORKING, "", follows_start=True).body()["starting"] is None
    late = reports.Starting(reports.NOT_READING, "npm runs" + "!" * 400)
    told = reports.Report(State.WORKING, "", follows_start=True, starting=late).body()["starting"]
    assert told == {"reason": "NotReading", "message": "npm runs" + "!" * 292}


@pytest.mark.parametrize("status", [pytest.param(s, id=s.value) for s in Status])
def test_before_the_first_message_to_a_run_there_is_nothing_to_show(status: Status) -> None:
    talk = Conversation()
    assert tell(status, talk, "")[1] == ""
    talk.begin_run("run")
    talk.answer("Welcome\n$", NOW)
    assert tell(status, talk)[1] == "", "a greeting is reported"
    talk.say("fix it", key="k", instance="run", position=0, now=NOW)
    talk.answer("done", NOW)
    assert tell(status, talk, "another run")[1] == "", "the answer of an earlier run is reported"
    talk.begin_run("another run")
    assert tell(status, talk, "another run")[1] == ""


@pytest.mark.parametrize(
    ("state", "seen_at_first", "after_news"),
    [
        pytest.param(State.WORKING, "working", "idle", id="working"),
        pytest.param(State.IDLE, "idle", "idle", id="idle"),
        pytest.param(State.COMPLETE, "complete", "complete", id="complete lasts"),
        pytest.param(State.FAILED, "failed", "failed", id="failed lasts"),
    ],
)
def test_the_agents_own_report_counts_until_something_newer(state: State, seen_at_first: str, after_news: str) -> None:
    own = AgentReport(state, "all tests pass", "https://example.test/1")
    assert tell(Status.STABLE, conversation(), agent_report=own) == (seen_at_first, "all tests pass")
    assert tell(Status.STABLE, conversation(), agent_report=own.after_change()) == (after_news, "all tests pass")
    told = reports.report(Status.STABLE, conversation(), instance="run", agent_report=own.after_change())
    assert told.uri == "https://example.test/1"


@pytest.mark.parametrize(
    ("state", "summary", "link", "fault"),
    [
        pytest.param("done", "x", "", "state must be one of working, idle, complete, failed", id="unknown state"),
        pytest.param(None, "x", "", "state must", id="no state"),
        pytest.param("idle", None, "", "summary must", id="no summary"),
        pytest.param("idle", " \x1b[1m ", "", "summary must", id="blank summary"),
        pytest.param("idle", "x", 5, "link must", id="link that is not text"),
        pytest.param("idle", "x", "javascript:alert(1)", "link must", id="link to a script"),
        pytest.param("idle", "x", "https://", "link must", id="link to nowhere"),
        pytest.param("idle", "x", "https://[", "link must", id="broken link"),
        pytest.param("idle", "x", "https://a/\x1b[2J", "link must", id="link with control characters"),
        pytest.param("idle", "x", "https://a/" + "b" * 2040, "link must", id="long link"),
    ],
)
def test_an_invalid_report_is_refused(state: object, summary: object, link: object, fault: str) -> None:
    with pytest.raises(AgentReportError, match=fault):
        reports.agent_report(state, summary, link)


def test_a_summary_that_is_too_long_is_cut() -> None:
    assert reports.agent_report("working", "x" * 200, None, build=3) == AgentReport(
        State.WORKING, "x" * 157 + "…", "", 3
    )


def test_body_names_the_prompt_once_it_was_typed_and_failed_as_the_gateway_does() -> None:
    told = reports.Report(State.FAILED, "x", None, "https://a/")
    assert told.body() == {"app_slug": "taskyard", "state": "failure", "message": "x", "uri": "https://a/"}
    assert reports.Report(State.IDLE, "x", "ab").body()["prompt_sha256"] == "ab"


def test_question_of_the_agent_takes_precedence() -> None:
    own = reports.agent_report("complete", "all done")
    told = reports.report(
        Status.RUNNING,
        Conversation(),
        instance="a",
        question="Do you trust the files in this folder?",
        agent_report=own,
    )
    assert (told.state, told.message) == ("working", "Asks: Do you trust the files in this folder?")


def test_keys_in_a_message_do_not_hide_the_rest_of_it() -> None:
    """T14"""
    talk = conversation()
    talk.say("echo A\x1b[201~; echo INJECTED", key="k2", instance="run", position=0, now=NOW)
    assert tell(Status.RUNNING, talk) == ("working", "echo A[201~; echo INJECTED")


@pytest.mark.parametrize("link", ["https://fa.example.org/می\u200cشود", "https://example.org/日本"])
def test_a_link_may_have_every_letter(link: str) -> None:
    """T8"""
    assert reports.agent_report("working", "x", link).link == link


@pytest.mark.parametrize("link", ["https://example.org/\u202egpj.exe", "https://a/b\u3000c", "https://a/\x9b"])
def test_a_link_that_would_be_read_as_another_is_refused(link: str) -> None:
    with pytest.raises(AgentReportError, match="link must"):
        reports.agent_report("working", "x", link)

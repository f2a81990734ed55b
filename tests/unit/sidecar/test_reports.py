from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.sidecar import reports
from taskyard.sidecar.conversation import Conversation
from taskyard.sidecar.driver import Status

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("  a \t b\r\nc ", "a b c", id="white space collapses"),
        pytest.param("\x1b[1;31mred\x1b[0m \x1b]0;title\x07x", "red x", id="escape sequences go"),
        pytest.param("a\x00\x07\u200b\u202eb", "a b", id="unprintable characters go"),
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
    assert line.isprintable()
    assert line == line.strip()


def test_working_shows_what_was_asked_and_idle_what_was_answered() -> None:
    conversation = Conversation()
    conversation.begin_run("run")
    assert reports.report(Status.RUNNING, conversation, None) == reports.Report("working", "")
    conversation.answer("Welcome\n$", NOW)
    conversation.say("\nfix it\nplease", key="k", instance="run", position=0, now=NOW)
    assert reports.report(Status.RUNNING, conversation, None) == reports.Report("working", "fix it")
    conversation.answer("looking\ndone\n\n", NOW)
    assert reports.report(Status.STABLE, conversation, "ab") == reports.Report("idle", "done", "ab")


def test_body_names_the_prompt_once_it_was_typed() -> None:
    assert reports.Report("idle", "x").body() == {"app_slug": "taskyard", "state": "idle", "message": "x", "uri": ""}
    assert reports.Report("idle", "x", "ab").body()["prompt_sha256"] == "ab"

"""What the kernel and the screen say of a program: the rules, one by one, and what cannot be typed."""

from __future__ import annotations

import pytest

from taskyard.sidecar.drivers.terminal import activity
from taskyard.sidecar.drivers.terminal.activity import Facts, Rest
from taskyard.sidecar.init.frames import Foreground, Reader, TerminalState
from taskyard.sidecar.screen import programs
from taskyard.sidecar.screen.programs import Reading

STABLE = 2.0
NOTHING = Reading(None, busy=False)
WAITS = Rest(STABLE)
WORKS = Rest(None)
STARTS = Rest(None, starts=True)
LONG = Rest(activity.LONG_REST)
ASKS = Rest(STABLE, "read waits for input")


def kernel(mode: str, reader: Reader, *, own: bool = True, echo: bool = True) -> TerminalState:
    foreground = Foreground.OWN if own else Foreground.OTHER
    return TerminalState(foreground, "read", canonical=mode == "line", echo=echo, reader=reader)


def rest(
    told: TerminalState | None,
    *,
    program: str = "custom",
    reading: Reading = NOTHING,
    begun: bool = True,
    spoke: bool = True,
    ready: bool | None = None,
    read: bool = False,
    editor: str = "",
) -> Rest:
    facts = Facts(programs.named(program), reading, told, spoke, ready, read, editor)
    return activity.rest(facts, stable_after=STABLE, begun=begun)


@pytest.mark.parametrize(
    ("told", "meaning"),
    [
        pytest.param(None, WAITS, id="an older taskyard-init"),
        pytest.param(kernel("line", Reader.UNKNOWN), WAITS, id="a strict kernel"),
        pytest.param(kernel("line", Reader.UNKNOWN, own=False), WAITS, id="a strict kernel, a job"),
        pytest.param(kernel("line", Reader.YES), WAITS, id="read, cat, dash"),
        pytest.param(kernel("line", Reader.UNKNOWN, echo=False), ASKS, id="a strict kernel, a password"),
        pytest.param(kernel("line", Reader.NO), WORKS, id="wait, sleep"),
        pytest.param(kernel("line", Reader.NO, own=False), WORKS, id="a job of the shell"),
        pytest.param(kernel("line", Reader.YES, own=False), ASKS, id="a job that reads"),
        pytest.param(kernel("line", Reader.YES, echo=False), ASKS, id="a password"),
        pytest.param(kernel("line", Reader.YES, own=False, echo=False), ASKS, id="the password of a job"),
        pytest.param(kernel("keys", Reader.NO), WAITS, id="a line editor that draws"),
        pytest.param(kernel("keys", Reader.YES), WAITS, id="a line editor"),
        pytest.param(kernel("keys", Reader.YES, own=False), ASKS, id="vim"),
        pytest.param(kernel("keys", Reader.UNKNOWN, own=False), ASKS, id="vim, a strict kernel"),
    ],
)
def test_rest_of_an_unknown_program(told: TerminalState | None, meaning: Rest) -> None:
    assert rest(told) == meaning


@pytest.mark.parametrize("ready", [None, True])
def test_before_the_first_message_nobody_who_reads_means_starting(ready: bool | None) -> None:
    meaning = rest(kernel("line", Reader.NO), begun=False, ready=ready)
    assert meaning == (WAITS if ready else STARTS)
    assert rest(kernel("line", Reader.YES), begun=False, ready=ready) == WAITS


@pytest.mark.parametrize(
    ("reader", "known", "meaning"),
    [
        (Reader.NO, {}, Rest(activity.LONG_REST, starts=True)),
        (Reader.NO, {"read": True}, WAITS),
        (Reader.NO, {"ready": True}, WAITS),
        (Reader.NO, {"begun": True}, WAITS),
        (Reader.YES, {}, WAITS),
        (Reader.UNKNOWN, {}, WAITS),
    ],
)
def test_before_the_first_message_a_program_that_takes_keys_has_a_minute_to_read(
    reader: Reader, known: dict[str, bool], meaning: Rest
) -> None:
    """T2: key mode alone does not tell that it reads; a program that polls may never be seen to."""
    assert rest(kernel("keys", reader), **{"begun": False, **known}) == meaning


def test_program_with_a_line_editor_asks_when_it_reads_in_line_mode() -> None:
    """T3: a command of the shell itself, such as `read`."""
    told = kernel("line", Reader.YES)
    assert rest(told, editor=told.command) == ASKS
    assert rest(told, editor="another") == WAITS
    assert rest(kernel("keys", Reader.YES), editor=told.command) == WAITS


def test_pattern_that_is_not_shown_holds_the_first_message_back_and_no_other() -> None:
    for told in (None, kernel("line", Reader.YES), kernel("keys", Reader.YES)):
        assert rest(told, begun=False, ready=False) == STARTS
        assert rest(told, begun=True, ready=False) == WAITS


def test_silence_of_a_program_that_never_spoke_takes_longer_where_nobody_tells() -> None:
    assert rest(None, spoke=False) == Rest(activity.SILENT_START)
    assert rest(kernel("keys", Reader.YES), spoke=False) == Rest(activity.SILENT_START)
    assert rest(kernel("line", Reader.YES), spoke=False) == WAITS


@pytest.mark.parametrize(
    ("reading", "told", "begun", "meaning"),
    [
        (Reading(3, busy=False), kernel("line", Reader.NO), False, WAITS),
        (Reading(3, busy=False), None, True, WAITS),
        (Reading(None, busy=False, question="Trust?"), kernel("keys", Reader.YES), True, Rest(0.0, "Trust?")),
        (Reading(3, busy=True), kernel("keys", Reader.YES), True, LONG),
        (NOTHING, None, False, LONG),
        (NOTHING, kernel("line", Reader.NO), False, STARTS),
        (NOTHING, kernel("line", Reader.NO), True, WORKS),
        (NOTHING, kernel("keys", Reader.YES), False, Rest(activity.LONG_REST, is_dialog=True)),
        (NOTHING, kernel("keys", Reader.UNKNOWN), True, Rest(activity.LONG_REST, is_dialog=True)),
    ],
)
def test_rest_of_a_known_program(reading: Reading, told: TerminalState | None, begun: bool, meaning: Rest) -> None:
    assert rest(told, program="claude", reading=reading, begun=begun) == meaning


@pytest.mark.parametrize(
    ("text", "told", "bracketed", "word"),
    [
        ("x" * 4095, kernel("line", Reader.YES), False, ""),
        ("x" * 4096, kernel("line", Reader.YES), False, "line 1"),
        ("字" * 1365, kernel("line", Reader.YES), False, ""),
        ("a\n" + "字" * 1366, kernel("line", Reader.YES), False, "line 2"),
        ("x" * 5000, kernel("line", Reader.UNKNOWN), False, "line 1"),
        ("x" * 5000, kernel("keys", Reader.YES), False, ""),
        ("x" * 5000, None, False, ""),
        ("a\tb", kernel("line", Reader.YES), False, ""),
        ("a\tb", kernel("keys", Reader.YES), False, "tab"),
        ("a\tb", kernel("keys", Reader.YES), True, ""),
        ("a\tb", None, False, ""),
    ],
)
def test_what_the_terminal_cannot_take_is_refused(
    text: str, told: TerminalState | None, bracketed: bool, word: str
) -> None:
    reason = activity.refusal(text, programs.named("custom"), told, bracketed_paste=bracketed)
    assert word in reason and bool(reason) == bool(word)


@pytest.mark.parametrize(
    ("text", "bracketed", "refused"), [("a\nb", False, True), ("a\nb", True, False), ("a", False, False)]
)
def test_each_line_of_a_text_that_a_known_program_cannot_be_pasted_would_be_a_message(
    text: str, bracketed: bool, refused: bool
) -> None:
    reason = activity.refusal(text, programs.named("claude"), kernel("keys", Reader.YES), bracketed_paste=bracketed)
    assert ("a message of its own" in reason) is refused


@pytest.mark.parametrize(
    ("keys", "told", "standing", "word"),
    [
        ("x" * 4095, kernel("line", Reader.YES), 0, ""),
        ("x" * 5000, kernel("line", Reader.YES), 0, "line 1 of the keys has 5,000 bytes, "),
        ("字" * 1366, kernel("line", Reader.YES, own=False), 0, "line 1 of the keys has 4,098 bytes"),
        ("a\r" + "x" * 4096, kernel("line", Reader.NO), 0, "line 2"),
        ("x" * 3000 + "\r" + "x" * 3000, kernel("line", Reader.YES), 0, ""),
        (
            "x" * 3000,
            kernel("line", Reader.YES),
            3000,
            "line 1 of the keys has 3,000 bytes after 3,000 that stand there",
        ),
        ("\x15" + "x" * 3000, kernel("line", Reader.YES), 3000, ""),
        ("x" * 5000, kernel("keys", Reader.YES), 0, ""),
        ("x" * 5000, None, 0, ""),
    ],
)
def test_keys_that_line_mode_would_cut_are_refused(
    keys: str, told: TerminalState | None, standing: int, word: str
) -> None:
    """T1"""
    reason = activity.refuses_keys(keys, told, standing)
    assert word in reason and bool(reason) == bool(word)


@pytest.mark.parametrize(
    ("keys", "told", "before", "after"),
    [
        ("abc", kernel("line", Reader.YES), 0, 3),
        ("字", kernel("line", Reader.YES), 4, 7),
        ("abc\rde", kernel("line", Reader.YES), 100, 2),
        ("\x03", kernel("line", Reader.YES), 100, 0),
        ("abc", kernel("keys", Reader.YES), 100, 0),
        ("abc", None, 100, 0),
    ],
)
def test_keys_without_enter_stand_in_the_line(keys: str, told: TerminalState | None, before: int, after: int) -> None:
    """T1"""
    assert activity.standing(keys, told, before) == after


@pytest.mark.parametrize(
    ("text", "standing", "word"), [("x" * 4000, 95, ""), ("x" * 4000, 96, "after 96"), ("a\n" + "x" * 4000, 96, "")]
)
def test_text_is_refused_with_what_stands_in_its_line(text: str, standing: int, word: str) -> None:
    """T1"""
    told = kernel("line", Reader.YES)
    reason = activity.refusal(text, programs.named("custom"), told, bracketed_paste=False, standing=standing)
    assert word in reason and bool(reason) == bool(word)

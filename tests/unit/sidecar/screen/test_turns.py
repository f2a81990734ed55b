# ruff: noqa: RUF001 - the programs' prompts are what they are
"""Recordings of real agents in conversations whose earlier messages and answers stand on the screen, followed as the
sidecar follows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from taskyard.sidecar.conversation import sentences
from taskyard.sidecar.emulator.terminal import Line, Terminal
from taskyard.sidecar.screen import known_answer, programs, question
from taskyard.sidecar.screen.generic_answer import CUT_NOTE, Mark, beginning
from unit.sidecar.recording import recording
from unit.sidecar.screen.test_known_answer import RECITAL, Scene, scene

NAMES = ("claude", "codex", "gemini", "opencode")
FAREWELLS = ("Resume this session", "opencode -s")
SLICE = 512
FRAME_END = re.compile(rb"\x1b\[\?2026l")


def followed(name: str, which: str) -> Iterator[str]:
    """The answers of a scene that are told while its output arrives in slices, and in frames."""
    known, output = recording(name)
    found = next(one for one in known["scenes"] if one["name"] == which)
    terminal, program = Terminal(known["columns"], known["rows"]), programs.named(known["program"])
    position = found.get("mark", 0)
    terminal.feed(output[:position])
    terminal.refresh()
    mark = Mark.of(terminal, position) if position else beginning(0)
    reader = known_answer.Reader()
    frames = (frame.end() for frame in FRAME_END.finditer(output, position, found["end"]))
    for end in sorted({*range(position + SLICE, found["end"], SLICE), *frames, found["end"]}):
        terminal.feed(output[position:end])
        position = end
        terminal.refresh()
        reading = programs.read(program, terminal)
        answer = reader.read(program, reading, terminal, mark, found.get("typed", ""))
        if answer is not None:
            yield answer


def count(name: str, number: int) -> str:
    first = {"claude": "● 1. ", "codex": "• 1. ", "gemini": "✦  1. ", "opencode": "1. "}[name]
    indent = {"claude": "  ", "codex": "  ", "gemini": "   ", "opencode": ""}[name]
    lines = [f"{indent}{line}. line of the count" for line in range(2, number + 1)]
    return "\n".join([f"{first}line of the count", *lines])


# A6


@pytest.mark.parametrize("name", NAMES)
def test_same_message_again_has_its_answer_though_the_reply_is_the_same(name: str) -> None:
    """A6"""
    first = scene(f"{name}-again", "first").answer
    assert first
    assert first.endswith("You said: continue")
    assert scene(f"{name}-again", "again").answer == first
    assert list(followed(f"{name}-again", "again"))[-1] == first


@pytest.mark.parametrize("name", NAMES[:3])
def test_same_message_later_has_its_answer(name: str) -> None:
    """A6"""
    assert scene(f"{name}-again", "later").answer == scene(f"{name}-again", "first").answer


@pytest.mark.parametrize("name", NAMES)
def test_answer_that_begins_with_the_lines_of_the_last_one_has_all_of_its_lines(name: str) -> None:
    """A6"""
    assert scene(f"{name}-again", "count 3").answer == count(name, 3)
    assert scene(f"{name}-again", "count 5").answer == count(name, 5)
    assert list(followed(f"{name}-again", "count 5"))[-1] == count(name, 5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["again", "count 5"])
def test_no_moment_shows_another_message_or_its_answer(name: str, which: str) -> None:
    """A6"""
    whole = scene(f"{name}-again", which).answer or ""
    for answer in followed(f"{name}-again", which):
        for line in filter(None, answer.split("\n")):
            assert any(line.strip() in known for known in whole.split("\n")), answer


@pytest.mark.parametrize("name", NAMES)
def test_before_the_message_is_shown_there_is_no_answer(name: str) -> None:
    """A6: the message is in the input box, and the same one with its answer above."""
    assert scene(f"{name}-again", "again typed").answer is None


@pytest.mark.parametrize("name", NAMES)
def test_message_counts_as_shown_only_when_it_is_shown_again(name: str) -> None:
    """A6"""
    known, output = recording(f"{name}-again")
    typed = scene(f"{name}-again", "again typed")
    assert typed.shows("continue")
    assert scene(f"{name}-again", "again").shows("continue")
    terminal = Terminal(known["columns"], known["rows"])
    terminal.feed(output[: typed.mark.position])
    terminal.refresh()
    assert not Scene(terminal, typed.program, typed.mark, "continue").shows("continue")


def test_same_message_has_its_answer_when_the_screen_was_cleared_and_drawn_anew() -> None:
    """A6: another input of the kind."""
    box = "─" * 40 + "\r\n❯ \r\n" + "─" * 40
    talk = "Claude Code v2\r\n\r\n❯ go on\r\n\r\n● Done.\r\n\r\n"
    terminal = Terminal(40, 20)
    terminal.feed((talk + box).encode())
    terminal.refresh()
    mark = Mark.of(terminal, 0)
    terminal.feed(f"\x1b[H\x1b[2J{talk}❯ go on\r\n\r\n● Done.\r\n\r\n{box}".encode())
    terminal.refresh()
    reading = programs.read(programs.named("claude"), terminal)
    assert known_answer.read(programs.named("claude"), reading, terminal, mark, "go on") == "● Done."


# A7


def test_answer_longer_than_the_screen_is_told_with_the_note() -> None:
    """A7"""
    long = scene("codex-scrolled", "long")
    assert long.answer is not None
    assert long.answer.startswith(CUT_NOTE)
    lines = long.answer.removeprefix(CUT_NOTE).split("\n")
    assert [line.strip() for line in lines] == [f"{n}. line of the count" for n in range(61 - len(lines), 61)]


@pytest.mark.parametrize("which", ["long", "long again"])
def test_long_answer_to_the_same_message_is_told_with_the_note(which: str) -> None:
    """A7: the echo has scrolled away, and former lines are the same."""
    told = list(followed("codex-scrolled", which))
    assert told[-1].startswith(CUT_NOTE)
    assert told[-1].endswith("60. line of the count")
    assert "count 60" not in told[-1]


@pytest.mark.parametrize("which", ["long", "long again"])
def test_long_answer_is_told_with_the_note_after_a_restart(which: str) -> None:
    """A6, A7: the second answer ends like the first, so that the screen is as it was."""
    answer = scene("codex-scrolled", which).answer or ""
    assert answer.startswith(CUT_NOTE)
    assert answer.endswith("60. line of the count")


@pytest.mark.parametrize(("which", "former"), [("long", "You said"), ("after", "line of the count")])
def test_screen_drawn_anew_is_no_new_text(which: str, former: str) -> None:
    """A7"""
    assert not any(former in answer for answer in followed("codex-scrolled", which))


class Counting(Terminal):
    """Counts how often a line is looked at."""

    looked = 0

    def line(self, number: int) -> Line:
        self.looked += 1
        return super().line(number)


def test_the_echo_of_a_long_conversation_is_searched_for_once() -> None:
    """A7: an answer that is read again and again costs no more than its own lines."""
    box = "─" * 40 + "\r\n❯ \r\n" + "─" * 40
    terminal = Counting(40, 2000)
    terminal.feed(("Claude Code v2\r\n\r\n" + "❯ a\r\n\r\n● b\r\n\r\n" * 400 + box).encode())
    terminal.refresh()
    mark = Mark.of(terminal, 0)
    terminal.feed(f"\x1b[2A\r\x1b[J❯ go on\r\n\r\n● Done.\r\n\r\n{box}".encode())
    terminal.refresh()
    reader = known_answer.Reader()
    reading = programs.read(programs.named("claude"), terminal)
    for _ in range(2):
        terminal.looked = 0
        assert reader.read(programs.named("claude"), reading, terminal, mark, "go on") == "● Done."
    assert terminal.looked < 20


# A9


@pytest.mark.parametrize("name", ["claude", "opencode"])
def test_farewell_is_no_answer(name: str) -> None:
    """A9: it is asked to end while it works."""
    paused = scene(f"{name}-pause", "paused")
    assert any(farewell in paused.terminal.text() for farewell in FAREWELLS)
    assert paused.answer is None
    assert not any(farewell in answer for answer in followed(f"{name}-pause", "paused") for farewell in FAREWELLS)


@pytest.mark.parametrize(
    ("name", "farewell"),
    [
        pytest.param("codex", "To continue this session, run codex resume 019a", id="codex"),
        pytest.param("gemini", "│  Agent powering down. Goodbye!  │", id="gemini"),
    ],
)
def test_other_farewells_are_no_answer(name: str, farewell: str) -> None:
    """A9"""
    terminal = Terminal(80, 24)
    terminal.feed(f"{farewell}\r\n".encode())
    terminal.refresh()
    program = programs.named(name)
    reading = programs.read(program, terminal)
    assert known_answer.read(program, reading, terminal, beginning(0), "hello", settled=True) is None


# A10, T15


@pytest.mark.parametrize("name", NAMES)
def test_list_in_an_answer_is_no_question_while_the_box_is_drawn_anew(name: str) -> None:
    """A10, T15"""
    known, output = recording(f"{name}-again")
    terminal, program = Terminal(known["columns"], known["rows"]), programs.named(name)
    for start in range(0, len(output), SLICE):
        terminal.feed(output[start : start + SLICE])
        if terminal.refresh():
            assert programs.read(program, terminal).question == "", terminal.text()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("❯ count 5\n\n● 1. First\n  2. Second", id="claude: answer"),
        pytest.param("● Choose one:\n\n  ❯ 1. Yes\n    2. No", id="claude: quoted menu"),
        pytest.param("• Choose one:\n\n  › 1. Yes\n    2. No", id="codex: quoted menu"),
        pytest.param("✦ Which of these?\n\n  > 1. First\n  > 2. Second", id="gemini: quotation"),
        pytest.param("✦ Choose one:\n\n  ● 1. First\n    2. Second", id="gemini: quoted menu"),
    ],
)
def test_list_in_prose_is_no_menu(text: str) -> None:
    """A10, T15"""
    assert question.menu(text) is None


# A11


@pytest.mark.parametrize("name", NAMES[:3])
def test_last_sentence_of_a_wrapped_paragraph_is_whole(name: str) -> None:
    """A11"""
    answer = scene(f"{name}-again", "explain").answer or ""
    assert answer.count("\n") == 3
    assert sentences.last_sentence(answer, 80) == (
        "The last sentence of this answer is longer than a row of the screen, so that a program must wrap it."
    )


@pytest.mark.parametrize(
    ("name", "which", "last"),
    [
        pytest.param("opencode-work", "fail", "the script says so", id="frame of an error"),
        pytest.param("opencode-again", "quote", "2. Second", id="quotation"),
        pytest.param("gemini-work", "write", "I wrote hello.txt.", id="below the frame of a tool"),
    ],
)
def test_last_sentence_is_without_frames(name: str, which: str, last: str) -> None:
    """A11"""
    assert sentences.last_sentence(scene(name, which).answer or "", 80) == last


# A13


def test_what_was_said_before_a_resume_is_no_greeting() -> None:
    """A13"""
    assert "pasted line 200" in scene("codex-resume", "start").terminal.text()
    assert not scene("codex-resume", "start").answer
    assert not any("pasted line" in greeting for greeting in followed("codex-resume", "start"))
    assert scene("codex-resume", "hello").answer == "• You said: hello"


@pytest.mark.parametrize("name", ["claude", "codex", "gemini", "opencode"])
def test_end_of_a_long_answer_is_no_greeting(name: str) -> None:
    """A13: neither banner nor echo are on the screen."""
    boxes = {
        "claude": "─" * 80 + "\r\n❯ \r\n" + "─" * 80,
        "codex": "› Ask Codex to do anything\r\n\r\n  scripted",
        "gemini": "─" * 80 + "\r\n YOLO\r\n\r\n *   Type your message\r\n",
        "opencode": "  ┃\r\n  ┃\r\n  ╹" + "▀" * 70,
    }
    terminal = Terminal(80, 30)
    rows = "".join(f"     {number}. line\r\n" for number in range(22))
    terminal.feed(f"\x1b[?1049h\x1b[H{rows}\r\n{boxes[name]}".encode())
    terminal.refresh()
    program = programs.named(name)
    reading = programs.read(program, terminal)
    assert reading.waits
    assert not known_answer.read(program, reading, terminal, beginning(0), "", settled=True)


# T16

PASTED = [
    *((name, which) for name in ("claude", "codex") for which in ("lines", "lines again", "characters")),
    *(("gemini", which) for which in ("lines", "characters")),
    ("opencode", "lines"),
]


@pytest.mark.parametrize(("name", "which"), PASTED)
def test_pasted_message_has_its_answer_without_a_placeholder(name: str, which: str) -> None:
    """T16"""
    assert scene(f"{name}-paste", which).answer == RECITAL[name]
    told = list(followed(f"{name}-paste", which))
    assert told[-1] == RECITAL[name]
    assert not any("asted" in answer for answer in told)


@pytest.mark.parametrize(("name", "which"), PASTED)
def test_placeholder_of_a_pasted_message_counts_as_its_echo(name: str, which: str) -> None:
    """T16"""
    typed = scene(f"{name}-paste", f"{which} typed")
    assert "[Pasted" in typed.terminal.text()
    assert typed.shows(typed.typed)
    sent = scene(f"{name}-paste", which)
    assert sent.shows(sent.typed)


def test_message_that_is_longer_than_the_screen_is_no_part_of_its_answer() -> None:
    """T16: the screen shows the end of the message alone."""
    assert scene("codex-tall", "lines").answer == RECITAL["codex"]
    assert list(followed("codex-tall", "lines"))[-1] == RECITAL["codex"]

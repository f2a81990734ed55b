"""What is typed so that a known program says a message to its model instead of running it."""

from __future__ import annotations

import pytest

from taskyard.sidecar.screen import programs, sayable
from taskyard.sidecar.screen.sayable import Refused, Typed

KNOWN = programs.KNOWN


def said(name: str, content: str) -> Typed | Refused:
    return sayable.said(programs.named(name), content)


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize(
    "content", ["!touch bang", "! is the not operator in C", "!\nsecond line"], ids=["command", "prose", "lines"]
)
def test_exclamation_mark_is_said_behind_a_space(name: str, content: str) -> None:
    """A1"""
    assert said(name, content) == Typed(" " + content)


@pytest.mark.parametrize("name", ["claude", "codex", "opencode", "aider"])
@pytest.mark.parametrize("content", ["/run touch bang", "/cost now", "/etc/hostname is a file"])
def test_slash_is_said_behind_a_space(name: str, content: str) -> None:
    """A1, A2"""
    assert said(name, content) == Typed(" " + content)


@pytest.mark.parametrize(
    "content", ["/help", "/chat save x", "\n/help", "/ help", "/", "\u00a0/help", "\ufeff/help me"]
)
def test_gemini_would_run_a_slash_behind_blanks_too_so_it_is_refused(content: str) -> None:
    """A2"""
    refused = said("gemini", content)
    assert isinstance(refused, Refused)
    assert "Gemini CLI" in refused.reason
    assert "Control" in refused.reason


# ECMAScript's WhiteSpace and LineTerminator, less what is a control character and is never typed.
JAVASCRIPT = [*" \u00a0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"]


@pytest.mark.parametrize("blank", JAVASCRIPT, ids=[f"U+{ord(blank):04X}" for blank in JAVASCRIPT])
def test_every_blank_of_javascript_is_none_of_the_word(blank: str) -> None:
    """A2"""
    for name, word in [("claude", "exit"), ("opencode", "quit"), ("gemini", "/clear"), ("gemini", "/help me")]:
        for content in (blank + word, word + blank, f"{blank} {word}{blank}\n", word.replace(" ", blank)):
            assert isinstance(said(name, content), Refused), (name, content)


@pytest.mark.parametrize("other", ["\u200b", "\u2060", "\u180e", "\u2800"])
def test_what_is_no_blank_for_javascript_is_text(other: str) -> None:
    """A2"""
    assert said("claude", other + "exit") == Typed(other + "exit")
    assert said("gemini", other + "/clear") == Typed(other + "/clear" + " ")


def test_blanks_are_those_of_the_language() -> None:
    assert set(sayable.PYTHON) == {chr(code) for code in range(0x110000) if chr(code).isspace()}
    assert set(sayable.PYTHON) - set(sayable.JAVASCRIPT) == set("\x1c\x1d\x1e\x1f\x85")
    assert set(sayable.JAVASCRIPT) - set(sayable.PYTHON) == {"\ufeff"}


@pytest.mark.parametrize(("name", "content"), [("claude", "/clear"), ("codex", "!ls"), ("aider", "/clear")])
@pytest.mark.parametrize("blank", ["\u3000", "\u2003", "\ufeff", "\x85"])
def test_server_that_takes_no_blanks_around_a_message_is_refused_what_they_would_make_text(
    name: str, content: str, blank: str
) -> None:
    """A1"""
    assert content in sayable.bare(programs.named(name), blank + content)


@pytest.mark.parametrize("content", ["/etc/hostname is a file", "// a comment", "/* another */ too", "see /help first"])
def test_gemini_takes_a_path_and_a_comment_as_text(content: str) -> None:
    """A2"""
    assert said("gemini", content) == Typed(content)


@pytest.mark.parametrize("name", ["claude", "opencode"])
@pytest.mark.parametrize("content", ["exit", " quit", "quit\n", ":q"])
def test_lone_word_that_would_end_the_program_is_refused(name: str, content: str) -> None:
    """A2"""
    refused = said(name, content)
    assert isinstance(refused, Refused)
    assert repr(content.strip()) in refused.reason


@pytest.mark.parametrize("content", ["exit the loop", "please quit", "quitting"])
def test_word_that_would_end_the_program_is_said_in_a_sentence(content: str) -> None:
    """A2"""
    assert said("claude", content) == Typed(content)


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("content", ["look at @notes.txt", "what is $HOME", "a path ends with \\", "type /help"])
def test_end_that_opens_a_menu_of_completions_or_a_new_line_is_followed_by_a_space(name: str, content: str) -> None:
    """A3"""
    assert said(name, content) == Typed(content + " ")


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize(
    "content", ["# Heading", "& that", "?", "a\tb", "two\n/cost\n!ls", "  indented", "1. one\n2. two"]
)
def test_other_text_is_typed_as_it_is(name: str, content: str) -> None:
    """A1, A14"""
    assert said(name, content) == Typed(content)


@pytest.mark.parametrize("content", ["{", "{json"])
def test_aider_would_wait_for_the_end_of_a_block(content: str) -> None:
    """A1"""
    assert said("aider", content) == Typed(" " + content)
    assert said("aider", content + "}") == Typed(content + "}")


@pytest.mark.parametrize("content", ["!touch bang", "/help", "exit", "look at @notes.txt"])
def test_unknown_program_gets_what_is_sent(content: str) -> None:
    """A1"""
    assert said("custom", content) == Typed(content)
    assert said("bash", content) == Typed(content)


@pytest.mark.parametrize("name", [*KNOWN, "custom"])
def test_control_is_one_line_typed_as_it_is(name: str) -> None:
    """A1"""
    program = programs.named(name)
    assert sayable.run(program, "/compact\n") == Typed("/compact")
    assert sayable.run(program, "!touch bang") == Typed("!touch bang")
    assert isinstance(sayable.run(program, "/compact\nand more"), Refused)
    assert isinstance(sayable.run(program, " \n"), Refused)


@pytest.mark.parametrize(
    ("program", "whose"),
    [
        ("claude", "a command of Claude Code, such as /compact"),
        ("gemini", "a command of Gemini CLI, such as /compress"),
        ("custom", "a command of the agent's program"),
        ("goose", "a command of the agent's program"),
    ],
)
def test_refusal_of_a_command_that_is_empty_fits_the_program(program: str, whose: str) -> None:
    refused = sayable.run(programs.named(program), " ")
    assert isinstance(refused, Refused) and refused.reason == f"a message of type Control names {whose}"

"""Which program has the terminal."""

from __future__ import annotations

import pytest

from taskyard.sidecar.drivers.terminal.identity import Identity
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init.frames import Foreground, Reader, TerminalState


def foreground(command: str, where: Foreground = Foreground.OTHER) -> TerminalState:
    return TerminalState(where, command, canonical=False, echo=False, reader=Reader.YES)


def banner() -> Terminal:
    terminal = Terminal(80, 24)
    terminal.feed(b"Claude Code v2.1")
    terminal.refresh()
    return terminal


def test_known_guest_of_a_shell_counts_until_the_shell_has_the_terminal_again() -> None:
    identity = Identity("")
    identity.foreground(foreground("codex"))
    assert identity.program.name == "codex"
    identity.foreground(foreground("bash", Foreground.OWN))
    assert identity.program.name == "custom"


def test_guest_that_shows_its_banner_is_known_by_it_and_no_longer_than_it_is_there() -> None:
    identity = Identity("")
    identity.foreground(foreground("node"))
    identity.screen(banner())
    assert identity.program.name == "claude"
    identity.foreground(foreground("bash", Foreground.OWN))
    assert identity.program.name == "custom"


def test_words_like_a_banner_are_none_where_a_shell_has_the_terminal() -> None:
    """T5"""
    identity = Identity("")
    identity.foreground(foreground("bash", Foreground.OWN))
    identity.screen(banner())
    assert identity.program.name == "custom"
    identity.foreground(foreground("node", Foreground.OWN))
    assert identity.program.name == "claude"


def test_banner_with_an_input_box_counts_though_a_shell_has_the_terminal() -> None:
    """T5"""
    identity = Identity("")
    identity.foreground(foreground("sh", Foreground.OWN))
    terminal = banner()
    rule = "─" * 40
    terminal.feed(f"\r\n\r\n{rule}\r\n❯ \r\n{rule}\r\n".encode())  # noqa: RUF001
    terminal.refresh()
    identity.screen(terminal)
    assert identity.program.name == "claude"


def test_job_of_a_known_program_is_no_guest() -> None:
    identity = Identity("claude")
    identity.foreground(foreground("codex"))
    assert identity.program.name == "claude"


@pytest.mark.parametrize(("agent_type", "name"), [("", "claude"), ("custom", "custom"), ("goose", "goose")])
def test_banner_counts_where_the_type_is_not_given(agent_type: str, name: str) -> None:
    identity = Identity(agent_type)
    identity.screen(banner())
    assert identity.program.name == name
    identity.begin_run()
    assert identity.program.name == (agent_type or "custom")


@pytest.mark.parametrize(("agent_type", "name"), [("", "claude"), ("custom", "custom"), ("goose", "goose")])
def test_program_in_the_agents_own_group_counts_by_its_name_where_the_type_is_not_given(
    agent_type: str, name: str
) -> None:
    identity = Identity(agent_type)
    identity.foreground(foreground("start.sh", Foreground.OWN))
    assert identity.program.name == (agent_type or "custom")
    identity.foreground(foreground("claude", Foreground.OWN))
    assert identity.program.name == name
    identity.foreground(foreground("bash", Foreground.OWN))
    assert identity.program.name == (agent_type or "custom")

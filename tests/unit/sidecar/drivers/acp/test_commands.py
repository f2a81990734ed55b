"""The commands of an ACP agent: what it says of them, and which messages it would run."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.sidecar.drivers.acp import commands


@pytest.mark.parametrize(
    ("update", "names"),
    [
        (
            {"sessionUpdate": "available_commands_update", "availableCommands": [{"name": "a"}, {"name": "b"}]},
            ["a", "b"],
        ),
        (
            {
                "sessionUpdate": "available_commands_update",
                "availableCommands": [{"name": 1}, "b", {"name": "x" * 101}],
            },
            [],
        ),
        ({"sessionUpdate": "available_commands_update", "availableCommands": []}, []),
        ({"sessionUpdate": "available_commands_update"}, None),
        ({"sessionUpdate": "plan", "availableCommands": [{"name": "a"}]}, None),
        (None, None),
    ],
)
def test_names_are_taken_from_the_update_that_lists_them(update: object, names: list[str] | None) -> None:
    assert commands.advertised(update) == names


def test_only_so_many_names_are_kept() -> None:
    entries = [{"name": f"c{number}"} for number in range(commands.KEPT + 1)]
    update = {"sessionUpdate": "available_commands_update", "availableCommands": entries}
    assert len(commands.advertised(update) or ()) == commands.KEPT


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("/plan", True),
        ("  /plan it", True),
        ("/plan\nit", True),
        ("plan", False),
        ("/plans", False),
        ("//plan", False),
        ("see /plan", False),
        ("", False),
    ],
)
def test_a_message_that_begins_with_a_command_is_refused(text: str, is_refused: bool) -> None:
    """A1"""
    assert bool(commands.refusal(text, ["plan"])) is is_refused


@pytest.mark.parametrize(("record", "names"), [({}, []), ({"commands": ["a", 1]}, ["a"]), ({"commands": "ab"}, [])])
def test_a_session_that_an_earlier_sidecar_stored_has_no_commands(record: dict[str, Any], names: list[str]) -> None:
    assert commands.stored(record) == names

"""Which dialog is which, when their words are the same: what was seen, moved by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taskyard.sidecar.drivers.terminal.dialogs import DRAWN_WITHIN, Dialogs
from taskyard.sidecar.screen.question import AnsweredBy, Dialog

AFTER = 10
MENU = Dialog(
    "Do you want to proceed?",
    AnsweredBy.OPTION,
    options=(("1", "Yes"), ("2", "No")),
    pointed="1",
    lines=("Bash command", "npm test", "Do you want to proceed?", "Yes", "No"),
    row=20,
    above=("Bashnpmtest", "Waiting"),
)
OTHER = replace(MENU, lines=("Bash command", "rm -rf /srv", *MENU.lines[2:]))


SOON, LATER = DRAWN_WITHIN / 2, DRAWN_WITHIN * 2


def seen(*dialogs: Dialog | None, pressed: bool = False, every: float = SOON) -> Dialogs:
    """What is known after these looks; with keys pressed at the first dialog."""
    known = Dialogs()
    for number, dialog in enumerate(dialogs):
        known.see(dialog, AFTER, number * every)
        if number == 0 and pressed:
            known.pressed()
    return known


FIRST = seen(MENU).name


@pytest.mark.parametrize(
    ("then", "pressed", "every", "is_same"),
    [
        pytest.param([MENU], False, LATER, True, id="nothing has changed"),
        pytest.param([MENU], True, LATER, True, id="keys have no effect yet"),
        pytest.param([replace(MENU, pointed="2")], True, SOON, True, id="the pointer moves"),
        pytest.param([replace(MENU, row=30)], False, SOON, True, id="it is moved by output"),
        pytest.param([replace(MENU, above=("more",))], False, SOON, True, id="output above it"),
        pytest.param([replace(MENU, row=30)], True, SOON, False, id="after keys in another place"),
        pytest.param([replace(MENU, above=("ran",))], True, SOON, False, id="after keys below another output"),
        pytest.param([OTHER], False, SOON, False, id="another command"),
        pytest.param([OTHER], True, SOON, False, id="another command after keys"),
        pytest.param([None, MENU], False, LATER, True, id="drawn anew"),
        pytest.param([None, MENU], True, SOON, True, id="drawn anew after keys"),
        pytest.param([None, MENU], True, LATER, False, id="closed by keys in between"),
        pytest.param([None, replace(MENU, row=30)], True, SOON, False, id="closed by keys, and in another place"),
        pytest.param([None, None, None, MENU], True, SOON, False, id="closed by keys for several looks"),
    ],
)
def test_dialog_is_another_one_when_it_asks_something_else_or_keys_have_closed_it(
    then: list[Dialog | None], pressed: bool, every: float, is_same: bool
) -> None:
    """A2"""
    known = seen(MENU, *then, pressed=pressed, every=every)
    assert (known.name == FIRST) is is_same
    assert (known.number == 1) is is_same
    assert known.is_open(1, 10 * LATER) is is_same


def test_dialog_is_open_while_its_screen_is_half_drawn() -> None:
    known = seen(MENU, None)
    assert known.open is None
    assert known.is_open(1, SOON + DRAWN_WITHIN)
    assert not known.is_open(1, SOON + DRAWN_WITHIN + 0.01)


def test_whoever_looks_is_told_of_each_change_once() -> None:
    known = Dialogs()
    looks = [known.see(dialog, AFTER, LATER) for dialog in (None, MENU, MENU, OTHER, None, None, OTHER)]
    assert looks == [False, True, False, True, True, False, True]


def test_dialog_in_the_next_turn_is_another_one() -> None:
    """A2: also where nobody has pressed a key at the one before."""
    known = seen(MENU, None)
    known.begin_turn(LATER * 2)
    assert known.see(MENU, AFTER, LATER * 3)
    assert known.number == 2


def test_same_dialog_after_an_answer_has_another_number() -> None:
    """A2: its name may be the same, since the turn tells the two apart."""
    known = seen(MENU, pressed=True)
    known.begin_turn(0.0)
    assert known.see(replace(MENU, above=("ran",)), AFTER, SOON)
    assert known.number == 2 and known.name == FIRST


def test_names_differ_however_often_the_same_is_asked() -> None:
    """A2"""
    known = Dialogs()
    names = []
    for time in range(3):
        known.see(MENU, AFTER, time)
        names.append(known.name)
        known.pressed()
        known.see(None, AFTER, time + 0.1)
    assert len(set(names)) == 3


def test_name_is_that_of_the_place_in_the_turn_so_that_a_restart_changes_none() -> None:
    """A2"""
    again = Dialogs()
    again.see(replace(MENU, row=MENU.row - 5), AFTER - 5, 0.0)
    assert again.name == FIRST

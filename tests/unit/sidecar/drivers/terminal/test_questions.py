"""A question at a terminal: its id, and what answers it."""

from __future__ import annotations

from taskyard.limits import MAX_QUESTION_CHARACTERS
from taskyard.sidecar.drivers.terminal.questions import TerminalQuestion
from taskyard.sidecar.screen.question import AnsweredBy

OPTIONS = (("1", "Yes, I trust"), ("2", "No, exit"))
MENU = TerminalQuestion.of("Trust?", instance="a", position=1, answered_by=AnsweredBy.OPTION, options=OPTIONS)
KEYS = TerminalQuestion.of("Permission required", instance="a", position=1, answered_by=AnsweredBy.KEYS)
FREE = TerminalQuestion.of("sh waits for input", instance="a", position=1)


def test_id_is_that_of_the_text_the_run_and_the_turn() -> None:
    same = TerminalQuestion.of("Trust?", instance="a", position=1)
    assert same.id == MENU.id
    others = [("Trust me?", "a", 1), ("Trust?", "b", 1), ("Trust?", "a", 2)]
    ids = {TerminalQuestion.of(text, instance=run, position=at).id for text, run, at in others}
    assert len(ids) == 3 and MENU.id not in ids
    assert TerminalQuestion.of("\ud800" * 500, instance="a", position=1).text == "\ud800" * MAX_QUESTION_CHARACTERS


def test_menu_takes_its_numbers_and_names_and_free_text_takes_anything() -> None:
    assert [MENU.typed(said) for said in ("1", " 2 ", "no, EXIT", "yes", "No.", "n", "")] == [
        *("1", "2", "2", "1", "2"),
        None,
        None,
    ]
    assert FREE.typed("rm -rf") == "rm -rf"
    assert FREE.refuses("anything") == ""
    assert MENU.refuses("maybe") == 'the answer must be one of "1" (Yes, I trust), "2" (No, exit)'


def test_question_that_takes_keys_takes_no_text_and_has_no_id_for_people() -> None:
    """A2"""
    assert KEYS.typed("no") is None
    assert KEYS.refuses("no").startswith('"Permission required" takes keys') and "type Raw" in KEYS.refuses("no")
    assert KEYS.body() == {"text": "Permission required", "options": []}


def test_body_is_what_the_gateway_takes() -> None:
    assert MENU.body()["options"] == [{"id": "1", "name": "Yes, I trust"}, {"id": "2", "name": "No, exit"}]
    assert FREE.body() == {"id": FREE.id, "text": "sh waits for input", "options": []}

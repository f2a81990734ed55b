from __future__ import annotations

from pathlib import Path

import pytest

from taskyard.sidecar.conversation import journal as journals
from taskyard.sidecar.conversation.journal import Entry, Journal, Outcome, digest
from taskyard.sidecar.conversation.origin import Origin

TIME = "2026-01-01T00:00:00Z"


def opened(path: Path) -> Journal:
    journal = Journal(path)
    journal.load()
    return journal


def test_intent_and_outcome_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = opened(path)
    journal.intend("a", "ab", TIME)
    journal.intend("b", "cd", TIME)
    journal.conclude("a", Outcome.DELIVERED, TIME)
    again = opened(path)
    assert again.find("a") == Entry("a", "ab", Outcome.DELIVERED)
    assert again.find("b") == Entry("b", "cd", None)
    assert again.find("c") is None


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_outcome_cut_short_by_a_crash_leaves_the_intent(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal"
    journal = opened(path)
    journal.intend("a", "ab", TIME)
    journal.conclude("a", Outcome.DELIVERED, TIME)
    path.write_bytes(path.read_bytes()[:-cut])
    again = opened(path)
    entry = again.find("a")
    assert entry is not None
    if cut > 1:
        assert entry.outcome is None
    again.intend("b", "cd", TIME)
    assert opened(path).find("b") == Entry("b", "cd", None)


def test_journal_that_cannot_be_written_says_so_before_anything_is_typed(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = opened(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError):
        journal.intend("a", "ab", TIME)
    assert journal.find("a") is None


def test_forgotten_intent_may_be_written_again(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal")
    journal.intend("a", "ab", TIME)
    journal.forget("a")
    assert journal.find("a") is None
    journal.intend("a", "ab", TIME)
    assert journal.find("a") == Entry("a", "ab", None)


def test_journal_that_cannot_be_synced_says_so(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal")
    journal.intend("a", "ab", TIME)
    (tmp_path / "journal").unlink()
    with pytest.raises(OSError):
        journal.sync()


def test_journal_stays_small_and_messages_do_not_push_out_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "MAX_ENTRIES", 40)
    monkeypatch.setattr(journals, "KEPT", 10)
    path = tmp_path / "journal"
    journal = opened(path)
    journal.intend(journals.prompt_key("ff"), "ff", TIME)
    journal.conclude(journals.prompt_key("ff"), Outcome.DELIVERED, TIME)
    for number in range(100):
        journal.intend(f"input:{number}", "ab", TIME)
        journal.sync()
        journal.conclude(f"input:{number}", Outcome.DELIVERED, TIME)
    assert len(path.read_bytes().splitlines()) <= 90
    again = opened(path)
    assert again.find(journals.prompt_key("ff")) == Entry("prompt:ff", "ff", Outcome.DELIVERED)
    assert again.find("input:99") == Entry("input:99", "ab", Outcome.DELIVERED)
    assert again.find("input:0") is None


HELLO = Origin("hello", "user")


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.IN_DOUBT, None])
def test_an_input_is_found_by_name_and_content_whatever_its_key(tmp_path: Path, outcome: Outcome | None) -> None:
    """K3: a restored object has another UID."""
    path = tmp_path / "journal"
    journal = opened(path)
    journal.intend("input:a", digest("go on"), TIME, HELLO)
    if outcome:
        journal.conclude("input:a", outcome, TIME)
    expected = Entry("input:a", digest("go on"), outcome, HELLO)
    for found in (journal, opened(path)):
        assert found.find_input(HELLO, digest("go on")) == expected
        assert found.find_input(HELLO, digest("stop")) is None
        assert found.find_input(Origin("hello", "raw"), digest("go on")) is None


def test_a_journal_without_names_is_read_and_goes_on(tmp_path: Path) -> None:
    """K3: as version 0.1 wrote it; the same content may have been sent twice on purpose."""
    path = tmp_path / "journal"
    opened(path).intend("input:a", digest("go on"), TIME)
    assert b"name" not in path.read_bytes()
    again = opened(path)
    assert again.find("input:a") == Entry("input:a", digest("go on"))
    assert again.find_input(HELLO, digest("go on")) is None
    again.intend("input:b", digest("go on"), TIME, HELLO)
    assert opened(path).find_input(HELLO, digest("go on")) == Entry("input:b", digest("go on"), None, HELLO)


def test_an_input_of_which_nothing_was_typed_is_not_known(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal")
    journal.intend("input:a", digest("go on"), TIME, HELLO)
    journal.forget("input:a")
    assert journal.find_input(HELLO, digest("go on")) is None


def test_a_journal_that_was_shortened_still_knows_its_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """K3, K7: of a dropped entry its identity stays, of which ten thousand fit."""
    monkeypatch.setattr(journals, "MAX_ENTRIES", 40)
    monkeypatch.setattr(journals, "KEPT", 10)
    path = tmp_path / "journal"
    journal = opened(path)
    for number in range(200):
        journal.intend(f"input:{number}", "ab", TIME, Origin(f"i{number}", "user"))
        journal.sync()
        journal.conclude(f"input:{number}", Outcome.DELIVERED, TIME)
        if number == 100:
            journal = opened(path)
    assert len(path.read_bytes()) < 20_000
    for found in (journal, opened(path)):
        assert found.find("input:0") is None
        assert found.find_input(Origin("i0", "user"), "ab") == Entry("", "ab", Outcome.DELIVERED, Origin("i0", "user"))
        assert found.find_input(Origin("i199", "user"), "ab") == Entry(
            "input:199", "ab", Outcome.DELIVERED, Origin("i199", "user")
        )
        assert found.find_input(Origin("i200", "user"), "ab") is None

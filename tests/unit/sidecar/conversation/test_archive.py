from __future__ import annotations

import datetime
from pathlib import Path

from taskyard.sidecar.conversation import archive as archives
from taskyard.sidecar.conversation.archive import Archive
from taskyard.sidecar.conversation.conversation import Conversation

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def talk(archive: Archive, conversation: Conversation, answer: str) -> None:
    conversation.answer(answer, NOW)
    archive.keep(conversation, conversation.open_message)


def test_conversation_comes_back_with_its_open_turn(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "file")
    conversation = archive.load()
    conversation.begin_run("run")
    talk(archive, conversation, "hel")
    talk(archive, conversation, "hello")
    archive.keep(conversation, conversation.say("hi", key="input:1", instance="run", position=9, now=NOW))
    again = Archive(tmp_path / "file").load()
    assert again.messages == conversation.messages
    assert again.turn == conversation.turn
    assert again.find("input:1") is not None
    talk(archive, again, "answer")
    assert [message.id for message in again.messages] == [0, 1, 2]


def test_file_does_not_grow_with_every_change_of_a_message(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "file")
    conversation = archive.load()
    conversation.begin_run("run")
    for number in range(200):
        talk(archive, conversation, f"{number}" * 20_000)
    assert (tmp_path / "file").stat().st_size < 2 * archives.SPARE
    assert Archive(tmp_path / "file").load().messages == conversation.messages


def test_records_of_another_kind_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('{"message":{"id":"x"}}\n{"message":7,"turn":[]}\n{"other":1}\n')
    conversation = Archive(tmp_path / "file").load()
    assert conversation.messages == []
    assert conversation.turn is None


def test_disk_that_fails_does_not_stop_the_conversation(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "file")
    conversation = archive.load()
    (tmp_path / "file").mkdir()
    conversation.begin_run("run")
    talk(archive, conversation, "still here")
    assert conversation.messages[0].content == "still here"

from __future__ import annotations

import datetime

from taskyard.sidecar.conversation import conversation as conversations
from taskyard.sidecar.conversation.conversation import Conversation, Role, Turn

NOW = datetime.datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=datetime.UTC)


def test_times_are_rfc_3339_in_utc() -> None:
    assert conversations.timestamp(NOW) == "2026-01-01T12:00:00.123Z"


def test_agents_message_grows_in_place_until_the_user_speaks() -> None:
    talk = Conversation()
    talk.begin_run("run")
    talk.answer("Wel", NOW)
    talk.answer("Welcome", NOW)
    talk.say("hi", key="k", instance="run", position=7, now=NOW)
    talk.answer("hello", NOW)
    assert [(message.id, message.role, message.content) for message in talk.messages] == [
        (0, Role.AGENT, "Welcome"),
        (1, Role.USER, "hi"),
        (2, Role.AGENT, "hello"),
    ]
    assert talk.answer("hello", NOW) is None
    assert talk.turn == Turn("run", 7, "hi", 2)


def test_new_run_begins_a_new_message() -> None:
    talk = Conversation()
    talk.begin_run("one")
    talk.answer("$", NOW)
    talk.begin_run("two")
    assert talk.open_message is None
    talk.answer("$", NOW)
    assert [message.id for message in talk.messages] == [0, 1]


def test_oldest_messages_are_dropped_when_there_are_too_many_and_ids_keep_counting() -> None:
    talk = Conversation()
    for _ in range(conversations.MAX_MESSAGES + 5):
        talk.say("x", key="k", instance="run", position=0, now=NOW)
    assert len(talk.messages) == conversations.MAX_MESSAGES
    assert talk.next_id == conversations.MAX_MESSAGES + 5
    for _ in range(50):
        talk.say("x" * 60_000, key="k", instance="run", position=0, now=NOW)
    assert sum(len(message.content) for message in talk.messages) <= conversations.MAX_CHARACTERS


def test_messages_do_not_show_their_key() -> None:
    talk = Conversation()
    message = talk.say("x", key="input:secret", instance="run", position=0, now=NOW)
    assert set(message.shown()) == {"id", "content", "role", "time"}

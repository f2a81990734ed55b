"""A snapshot holds the newest messages that fit into 65,536 bytes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.core.ownership import Ownership, is_owned_by, owners_of, ownership_of
from taskyard.core.text_sanitizer import CONTROLS
from taskyard.gateway.sidecars.snapshots import Message, Payload, config_map, continues, snapshot_of, task_snapshot
from taskyard.limits import CUT_NOTE, MAX_SNAPSHOT_BYTES
from unit.core.builders import owned_by_tekton
from unit.gateway.sidecars.builders import TASK


def message(number: int, content: str, role: str = "agent", time: str = "") -> Message:
    return Message.model_validate({"id": number, "content": content, "role": role, "time": time})


def messages_of(document: str) -> list[dict[str, Any]]:
    value = json.loads(document)
    assert value["format"] == "agentapi"
    found: list[dict[str, Any]] = value["data"]["messages"]
    return found


def test_messages_that_fit_are_kept_as_they_are() -> None:
    snapshot = snapshot_of(Payload(messages=[message(0, "héllo\x1b[0m"), message(1, "b", "user")]))
    assert [(m["id"], m["content"], m["role"]) for m in messages_of(snapshot.document)] == [
        (0, "héllo\x1b[0m", "agent"),
        (1, "b", "user"),
    ]
    assert (snapshot.messages, snapshot.truncated) == (2, False)


def test_no_messages_are_a_snapshot_too() -> None:
    snapshot = snapshot_of(Payload(messages=[]))
    assert snapshot.document == '{"format":"agentapi","data":{"messages":[]}}'
    assert (snapshot.messages, snapshot.truncated, snapshot.log) == (0, False, "")


def test_the_oldest_are_dropped_first() -> None:
    snapshot = snapshot_of(Payload(messages=[message(n, "x" * 30_000) for n in range(4)]))
    assert [m["id"] for m in messages_of(snapshot.document)] == [2, 3]
    assert snapshot.truncated
    assert snapshot.log.startswith("(Older text was left out.)\n\n")


@pytest.mark.parametrize("character", ["x", "é", "日", "🎉", '"', "\n"])
def test_of_one_message_that_is_too_large_the_end_stays(character: str) -> None:
    snapshot = snapshot_of(Payload(messages=[message(1, "a"), message(2, character * 70_000 + "the end")]))
    (kept,) = messages_of(snapshot.document)
    assert kept["content"].startswith(CUT_NOTE + character)
    assert kept["content"].endswith("the end")
    assert MAX_SNAPSHOT_BYTES - 8 <= snapshot.size <= MAX_SNAPSHOT_BYTES
    assert snapshot.truncated


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(), st.integers(0, 40_000)), max_size=8))
def test_no_conversation_is_larger_than_the_limit_and_the_newest_is_always_in(parts: list[tuple[str, int]]) -> None:
    messages = [message(number, text + "x" * size) for number, (text, size) in enumerate(parts)]
    snapshot = snapshot_of(Payload(messages=messages))
    kept = messages_of(snapshot.document)
    assert snapshot.size <= MAX_SNAPSHOT_BYTES
    assert [m["id"] for m in kept] == list(range(len(messages)))[len(messages) - len(kept) :]
    assert bool(kept) == bool(messages)


def test_what_the_sidecar_left_out_is_remembered() -> None:
    assert snapshot_of(Payload(messages=[message(9, "x")], truncated=True)).truncated


def test_the_log_is_text_that_a_terminal_may_print() -> None:
    snapshot = snapshot_of(
        Payload(
            messages=[
                message(0, "\x1b[2J\x1b[1mready\x1b[0m\r\n\n\n", time="2026-01-01T00:00:00Z"),
                message(1, "one\n\ttwo", "user"),
            ]
        )
    )
    assert snapshot.log == "agent 2026-01-01T00:00:00Z\nready\n\nuser\none\n\ttwo\n"


def test_the_config_map_goes_with_its_task() -> None:
    manifest = config_map(snapshot_of(Payload(messages=[])), task=TASK)
    assert manifest["metadata"]["name"] == "hello-snapshot"
    assert sorted(manifest["data"]) == ["log.txt", "snapshot.json"]
    assert is_owned_by(manifest, "task-uid")
    assert not is_owned_by(manifest, "another")
    assert manifest["metadata"]["labels"]["taskyard.dev/task"] == "hello"
    (owner,) = manifest["metadata"]["ownerReferences"]
    assert not owner.get("blockOwnerDeletion")


def test_a_config_map_without_a_controller_has_no_owner() -> None:
    assert not is_owned_by({"metadata": {}}, "task-uid")
    assert not is_owned_by({"metadata": {"ownerReferences": [{"uid": "task-uid"}]}}, "task-uid")


def test_a_config_map_of_a_tekton_task_is_left_as_it_is() -> None:
    manifest = owned_by_tekton(config_map(snapshot_of(Payload(messages=[])), task=TASK), uid=TASK.uid, name=TASK.name)
    assert not is_owned_by(manifest, TASK.uid)
    assert ownership_of(owners_of(manifest), name=TASK.name, uid=TASK.uid) is Ownership.FOREIGN


def test_a_task_without_a_template_known_yet_has_a_snapshot_too() -> None:
    manifest = config_map(snapshot_of(Payload(messages=[])), task=replace(TASK, status={}))
    assert "taskyard.dev/template" not in manifest["metadata"]["labels"]


def test_the_status_tells_where_when_and_how_much() -> None:
    snapshot = snapshot_of(Payload(messages=[message(1, "é")]))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert task_snapshot(snapshot, task="hello", now=now) == {
        "configMap": "hello-snapshot",
        "takenAt": "2026-01-01T00:00:00Z",
        "messages": 1,
        "bytes": len(snapshot.document.encode()),
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("data", "owners", "expected"),
    [
        pytest.param(["first", "second"], [], True, id="all of it"),
        pytest.param(["first", "unfinished"], [], True, id="before the last answer had ended"),
        pytest.param(["other"], [], False, id="another"),
        pytest.param([], [], False, id="empty"),
        pytest.param(["first"], [{"kind": "Other", "uid": "x"}], False, id="somebody's"),
        pytest.param("no JSON", [], False, id="no document"),
        pytest.param('{"data": []}', [], False, id="another document"),
    ],
)
def test_a_stored_conversation_is_continued_if_it_has_a_message_of_this_one(
    data: list[str] | str, owners: list[dict[str, str]], expected: bool
) -> None:
    """K3."""

    def document(contents: list[str]) -> str:
        return snapshot_of(Payload(messages=[message(n, c, "agent") for n, c in enumerate(contents)])).document

    metadata = {"labels": {"taskyard.dev/task": "hello"}, "ownerReferences": owners}
    stored = {"metadata": metadata, "data": {"snapshot.json": data if isinstance(data, str) else document(data)}}
    snapshot = snapshot_of(Payload(messages=[message(0, "first", "agent"), message(1, "second", "agent")]))
    assert continues(snapshot, stored, task="hello") is expected
    assert not continues(snapshot, {"metadata": metadata}, task="hello")


def test_a_newer_conversation_is_not_replaced_by_that_of_an_older_home() -> None:
    """K3: a home that was restored from an earlier day."""
    said = [message(0, "first", "agent"), message(1, "go on", "user"), message(2, "done", "agent")]
    later = [*said, message(3, "and now", "user"), message(4, "half", "agent")]
    metadata = {"labels": {"taskyard.dev/task": "hello"}}

    def stored(messages: list[Message]) -> dict[str, Any]:
        return {"metadata": metadata, "data": {"snapshot.json": snapshot_of(Payload(messages=messages)).document}}

    older, newer = snapshot_of(Payload(messages=said)), snapshot_of(Payload(messages=later))
    assert continues(newer, stored(said), task="hello")
    assert continues(newer, stored([*later[:4], message(4, "ha", "agent")]), task="hello"), "an answer still grew"
    assert not continues(older, stored(later), task="hello")


def test_a_stored_document_of_whatever_depth_is_no_conversation() -> None:
    stored = {"metadata": {"labels": {"taskyard.dev/task": "hello"}}, "data": {"snapshot.json": "[" * 100_000}}
    assert not continues(snapshot_of(Payload(messages=[message(0, "first")])), stored, task="hello")


@pytest.mark.parametrize("role", ["user", "agent"])
@pytest.mark.parametrize(
    "content",
    ["10\u00a0000 €\n你好\u3000世界", "\u3000indented\u3000", "👩\u200d🚀 ❤\ufe0f می\u200cشود", "\ue0b0\U0001fae9"],
)
def test_the_log_says_what_the_snapshot_says(role: str, content: str) -> None:
    """T8"""
    snapshot = snapshot_of(Payload(messages=[message(0, content, role)]))
    assert messages_of(snapshot.document)[0]["content"] == content
    assert snapshot.log == f"{role}\n{content}\n"


def test_the_log_shows_the_keys_in_what_a_user_said() -> None:
    """T14"""
    snapshot = snapshot_of(Payload(messages=[message(0, "echo A\x1b[201~; echo INJECTED\x03", "user")]))
    assert messages_of(snapshot.document)[0]["content"] == "echo A\x1b[201~; echo INJECTED\x03"
    assert snapshot.log == "user\necho A␛[201~; echo INJECTED␃\n"


@given(st.text(), st.sampled_from(["user", "agent"]))
def test_no_text_in_the_log_acts_on_a_terminal(content: str, role: str) -> None:
    log = snapshot_of(Payload(messages=[message(0, content, role)])).log
    assert not CONTROLS.search(log)
    if not CONTROLS.search(content):
        assert log == f"{role}\n{content.rstrip(chr(10))}\n"

"""What a sidecar's answer means."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.sidecarclient import Accepted, Answer, Failed, NotReady, Refused, event_of, read


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(200, {"ok": True}, Accepted(in_doubt=False), id="200: the agent has it"),
        pytest.param(200, {"ok": True, "inDoubt": True}, Accepted(in_doubt=True), id="200: in doubt"),
        pytest.param(
            200,
            {"ok": True, "deliveredBefore": True},
            Accepted(in_doubt=False, repeated=True),
            id="200: delivered before under another key",
        ),
        pytest.param(200, {}, Accepted(in_doubt=False), id="200: nothing said"),
        pytest.param(
            409, {"detail": "the agent works"}, NotReady("the agent works"), id="409: the agent is not ready for input"
        ),
        pytest.param(422, {"detail": "blank"}, Refused("blank"), id="422: bad input"),
        pytest.param(400, {"title": "Bad Request"}, Refused("Bad Request"), id="400: bad input, the title serves"),
        pytest.param(413, {}, Refused("status 413"), id="413: too large"),
        pytest.param(401, {"detail": "no key"}, Failed("the sidecar answered 401: no key"), id="401: another key"),
        pytest.param(404, {}, Failed("the sidecar answered 404: status 404"), id="404: no such route"),
        pytest.param(
            502, {"detail": "agent not reachable"}, Failed("the sidecar answered 502: agent not reachable"), id="502"
        ),
        pytest.param(
            503,
            {"detail": "journal"},
            Failed("the sidecar answered 503: journal"),
            id="503: the journal is not written",
        ),
        pytest.param(
            500, {"detail": "", "title": "Oh"}, Failed("the sidecar answered 500: Oh"), id="an empty detail is none"
        ),
    ],
)
def test_read(status: int, body: dict[str, Any], expected: Answer) -> None:
    assert read(status, body) == expected


TYPE_UNKNOWN = {
    "detail": 'body.type: expected one of "user", "raw"',
    "errors": [{"message": 'expected one of "user", "raw"', "location": "body.type", "value": "control"}],
}


def test_a_sidecar_of_an_older_version_that_does_not_know_commands_refuses_them_for_good() -> None:
    answer = read(422, TYPE_UNKNOWN, kind="control")
    assert isinstance(answer, Refused)
    assert answer.cause == (
        "The sidecar of the running Pod is older than type Control and does not know it; pause and resume the Task, "
        "then create another input."
    )
    assert read(422, TYPE_UNKNOWN, kind="user") == Refused('body.type: expected one of "user", "raw"')
    too_long = {"detail": "too long", "errors": [{"location": "body.content"}, "?"]}
    assert read(422, too_long, kind="control") == Refused("too long")


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param('event: status_change\ndata: {"a":1}', ("status_change", '{"a":1}'), id="name and data"),
        pytest.param("data: a", ("message", "a"), id="without a name it is a message"),
        pytest.param("data:a\ndata: b", ("message", "a\nb"), id="data of several lines"),
        pytest.param("event: x\ndata: a\u2028b\x0bc", ("x", "a\u2028b\x0bc"), id="only a line feed ends a line"),
        pytest.param(": ping", None, id="a comment is no event"),
        pytest.param("", None, id="nothing is no event"),
    ],
)
def test_event_of(block: str, expected: tuple[str, str] | None) -> None:
    assert event_of(block) == expected

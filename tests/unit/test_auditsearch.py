"""The search of the audit log finds what it is for, however it is encoded, and nothing else."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable

import pytest

from auditsearch import Secrets, faults
from taskyard.gateway.audit import line as lines
from taskyard.gateway.audit.line import Text, Verb, encoded
from unit.gateway.audit.test_line import line

PROMPT = 'Fix the "Möbius" build 🦊 & deploy\nto eu-west\\7, the account is 4711'
TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6Ing0In0.eyJhdWQiOlsiaHR0cHM6Ly9rIl19.Pq3v-XjR_x0BzYh"
SHORT = "go on!, 7"


def secrets() -> Secrets:
    known = Secrets()
    for text in (PROMPT, TOKEN, SHORT):
        known.add(text)
    return known


def told(reason: str) -> str:
    """A line of the gateway's that says this."""
    return encoded(line(verb=Verb.SEND, outcome="refused", status=400, reason=reason, text=Text.of(PROMPT))).decode()


def in_json(text: str) -> str:
    return json.dumps({"said": text})


def in_base64(text: str, before: str = "") -> str:
    return base64.b64encode((before + text).encode()).decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in JSON": in_json,
    "in JSON in JSON": lambda text: in_json(in_json(text)),
    "URL-encoded": urllib.parse.quote,
    "as in a form": urllib.parse.quote_plus,
    "in JSON, URL-encoded": lambda text: urllib.parse.quote(in_json(text)),
    "in base64": in_base64,
    "in base64 after a byte": lambda text: in_base64(text, "u"),
    "in base64 after two bytes": lambda text: in_base64(text, "us"),
    "in base64 after letters": lambda text: "token" + in_base64(text),
    "in base64 without padding": lambda text: in_base64(text).rstrip("="),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "in base64, URL-encoded": lambda text: urllib.parse.quote(in_base64(text), safe=""),
    "in JSON in base64": lambda text: in_base64(in_json(text)),
    "in base64 twice": lambda text: in_base64(in_base64(text)),
    "in hexadecimal digits": lambda text: text.encode().hex(),
    "in hexadecimal digits after one": lambda text: "a" + text.encode().hex(),
    "its beginning": lambda text: text[:12],
    "its end": lambda text: text[-12:],
    "a part": lambda text: text[5:28],
    "its beginning in base64": lambda text: in_base64(text[:17]),
    "in a sentence": lambda text: f"the value {text!r} is not allowed",
}


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("secret", [PROMPT, TOKEN], ids=["a prompt", "a token"])
def test_a_secret_that_was_planted_is_found(secret: str, encoding: Callable[[str], str]) -> None:
    planted = told(encoding(secret))
    # Shortened as every reason is: its beginning is still there.
    assert faults([planted], secrets()), planted


@pytest.mark.parametrize("encoding", ["as it is", "in JSON", "URL-encoded", "in base64", "in hexadecimal digits"])
def test_a_short_message_is_found_as_a_whole_and_not_by_a_part_that_may_be_chance(encoding: str) -> None:
    assert faults([told(ENCODINGS[encoding](SHORT))], secrets())
    assert not faults([told(ENCODINGS[encoding](SHORT[:-1]))], secrets())


@pytest.mark.parametrize("member", ["user", "group", "address", "forwarded", "namespace", "name", "uid", "input"])
def test_it_is_found_in_whatever_member_it_is(member: str) -> None:
    fields = {
        "user": {"who": lines.who(TOKEN, "", ())},
        "group": {"who": lines.who("jane", "", ("dev", TOKEN))},
        "address": {"from_": lines.source(TOKEN, None)},
        "forwarded": {"from_": lines.source("10.0.3.7", TOKEN)},
        "namespace": {"task": lines.of_task(TOKEN, "hello", None)},
        "name": {"task": lines.of_task("team", TOKEN, None)},
        "uid": {"task": lines.of_task("team", "hello", TOKEN)},
        "input": {"input": TOKEN},
    }
    assert faults([encoded(line(**fields[member])).decode()], secrets())


def test_other_lines_of_a_gateway_are_no_part_of_it() -> None:
    assert faults(["2026-01-31 12:00:00 INFO serving people on port 8443", ""], secrets()) == []


def test_what_a_line_is_to_have_is_no_secret() -> None:
    known = secrets()
    assert len(known) > 10
    every = [told(lines.reason("The user has no right to create tasks.")), encoded(line()).decode()]
    assert faults(every, known) == []


@pytest.mark.parametrize("text", ["", "x", "hi", "go on", "          ", "x" * 4000, "0" * 64], ids=repr)
def test_what_may_be_in_a_line_by_chance_is_not_looked_for(text: str) -> None:
    known = Secrets()
    known.add(text)
    assert len(known) == 0


def test_of_a_very_long_text_both_ends_are_known() -> None:
    known = Secrets()
    known.add(f"Begin here, {'lorem ipsum ' * 20_000} and end there")
    assert len(known) < 1000
    assert known.found("it said: begin here, lor") and known.found("um  and end there.")


def test_every_text_of_a_document_is_known() -> None:
    known = Secrets()
    known.add_all({"a text as a key": [None, 1, {"x": "another text there"}]})
    assert known.found("a text as a key") and known.found("another text there")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(told("no")[:300], id="half of a line"),
        pytest.param(told("no")[:300] + told("no"), id="half of a line, and another one behind it"),
        pytest.param("x" + told("no"), id="something before it"),
        pytest.param(told("no").replace('"left_out":0', '"left_out":-1'), id="not of the schema"),
        pytest.param(told("no").replace('"left_out":0', '"left_out":0,"prompt":"x"'), id="a member too many"),
        pytest.param(told("no").replace('"send"', '"shout"'), id="an unknown verb"),
    ],
)
def test_a_line_that_is_not_whole_or_not_of_the_schema_is_found(wrong: str) -> None:
    [fault] = faults([wrong], Secrets())
    assert fault.startswith("not a line of the audit log")

"""The identifier of a request."""

import uuid

import pytest

from taskyard.gateway.audit.request_id import request_id


@pytest.mark.parametrize("given", ["5f2d1c04-6f0e-4a57-8c36-7a2d9f6f1e55", "build.4711_a", "a" * 64, "a" * 8])
def test_a_plain_word_is_taken(given: str) -> None:
    assert request_id(given) == given


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("", id="none"),
        pytest.param("a" * 65, id="too long"),
        pytest.param("short", id="too short"),
        pytest.param("two words", id="a space"),
        pytest.param('12345678"', id="a quote"),
        pytest.param("12345678\n", id="a line feed"),
        pytest.param("übergross", id="not ASCII"),
    ],
)
def test_for_anything_else_a_new_one_is_made(given: str) -> None:
    found = request_id(given)
    assert str(uuid.UUID(found)) == found
    assert request_id(given) != found


def test_a_part_of_the_token_is_no_identifier() -> None:
    assert request_id("s3cret-token", secrets="Bearer s3cret-token") != "s3cret-token"
    assert request_id("s3cret-token", secrets="Bearer another") == "s3cret-token"

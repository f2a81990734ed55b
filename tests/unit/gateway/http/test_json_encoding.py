"""Lists are written as starlette writes JSON, only faster."""

from __future__ import annotations

import enum
import sys
from typing import Any

import pytest
from fastapi.responses import JSONResponse
from hypothesis import given
from hypothesis import strategies as st

from taskyard.gateway.http.json_encoding import encoded


class Word(enum.StrEnum):
    ONE = "one"


TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
DOCUMENTS = st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abcd"), inner))


@given(DOCUMENTS)
def test_the_bytes_are_those_of_a_json_response(document: Any) -> None:
    assert encoded(document) == bytes(JSONResponse(document).body)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("".join(map(chr, range(0x2100))), id="each character that may need an escape"),
        pytest.param([1 << 63, -(1 << 63) - 1, (1 << 63) - 1, 1 << 200], id="numbers wider than 64 bits"),
        pytest.param([0.1, 1e16, 1e-7, -0.0, 5e-324], id="numbers with an exponent"),
        pytest.param({"word": Word.ONE, "words": (Word.ONE, "two")}, id="words and tuples"),
    ],
)
def test_what_msgspec_would_write_otherwise_is_written_by_json(document: Any) -> None:
    assert encoded(document) == bytes(JSONResponse(document).body)


def test_half_a_pair_of_surrogates_becomes_a_question_mark() -> None:
    assert encoded({"a": ["x\ud800y"]}) == b'{"a":["x?y"]}'


def test_what_is_no_number_in_json_is_no_document() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encoded({"a": float("nan")})


@pytest.mark.parametrize("text", ["schöne Grüße " * 1000, "prompt " * 1000])
def test_a_text_does_not_become_larger_by_being_written(text: str) -> None:
    """Texts come from the cache of ten thousand Tasks, and CPython keeps the UTF-8 of a text that is asked for it."""
    text = text[:-1]
    before = sys.getsizeof(text)
    assert encoded([{"state": {"message": text}, "prompt": text}])
    assert sys.getsizeof(text) == before

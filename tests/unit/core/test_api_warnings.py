"""Reading the API server's warnings off its headers."""

from __future__ import annotations

import pytest

from taskyard.core import api_warnings


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param(['299 - "unknown field \\"spec.x\\""'], ['unknown field "spec.x"'], id="with quotes"),
        pytest.param(['299 - "a \\\\ b"'], ["a \\ b"], id="with a backslash"),
        pytest.param(
            ['299 - "a, b", 299 - "c" "Sat, 25 Aug 2012 23:34:45 GMT"'], ["a, b", "c"], id="two in one, dated"
        ),
        pytest.param(['299 - "a"', '299 agent "b"'], ["a", "b"], id="two"),
        pytest.param(['299 - "a\n\x1b[31mb"', '299 - ""'], ["a b"], id="in one line"),
        pytest.param(["unheard of", '299 - "open'], [], id="none of them is one"),
    ],
)
def test_texts(headers: list[str], expected: list[str]) -> None:
    assert api_warnings.texts(headers) == expected

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core import shellwords
from taskyard.core.shellwords import Operator


def read(script: str) -> list[str]:
    """The tokens, an operator in brackets."""
    return [f"[{token}]" if isinstance(token, Operator) else token for token in shellwords.tokens(script)]


@pytest.mark.parametrize(
    ("script", "tokens"),
    [
        pytest.param("a  b\tc", ["a", "b", "c"], id="words"),
        pytest.param("a&&b||c;d&e|f", ["a", "[&&]", "b", "[||]", "c", "[;]", "d", "[&]", "e", "[|]", "f"], id="signs"),
        pytest.param("(a)\nb", ["[(]", "a", "[)]", "[\n]", "b"], id="parentheses and lines"),
        pytest.param("""a'b c'"d 'e'"\\ f""", ["ab cd 'e' f"], id="quotes in one word"),
        pytest.param("'' \"\"", ["", ""], id="empty words"),
        pytest.param("a#b # c\nd", ["a#b", "[\n]", "d"], id="comments"),
        pytest.param("a \\\n b", ["a", "b"], id="a line that goes on"),
        pytest.param("a 2>&1 >b <c &>d 3<>e >|f g", ["a", "g"], id="redirections"),
        pytest.param("a2>b", ["a2"], id="no number of a file"),
        pytest.param('a "$(b "c)" ; d)" e', ["a", '$(b "c)" ; d)', "e"], id="a command in a word"),
        pytest.param(
            "a ${b:-c d} `e; f` $(( 1 + (2) ))", ["a", "${b:-c d}", "`e; f`", "$(( 1 + (2) ))"], id="expansions"
        ),
        pytest.param("a <(b; c) d", ["a", "d"], id="a command as a file"),
        pytest.param("a <<X <<'Y z' b\n1; 2\nX\n3\nY z\nc", ["a", "b", "[\n]", "c"], id="two here-documents"),
        pytest.param("a <<-X\n\t1\n\tX\nb", ["a", "[\n]", "b"], id="a here-document with tabs"),
        pytest.param("a <<< 'b c' d", ["a", "d"], id="a here-string"),
    ],
)
def test_script_is_read_as_a_shell_does(script: str, tokens: list[str]) -> None:
    assert read(script) == tokens


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=6))
def test_quoted_words_come_back(words: list[str]) -> None:
    assert shellwords.words(shlex.join(words)) == words


@given(st.text(alphabet="ab '\"\\$`(){}<>&|;#\n\t-=@1E", max_size=60))
def test_any_text_is_read_to_its_end(script: str) -> None:
    assert all(isinstance(token, str) for token in shellwords.tokens(script))

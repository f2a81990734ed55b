from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core.shellscript import last_commands


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        pytest.param("a; b c", [["b", "c"]], id="the last"),
        pytest.param("a && b | c d || e", [["b"], ["c", "d"], ["e"]], id="what may have the terminal"),
        pytest.param("a & b &", [], id="nothing in the foreground"),
        pytest.param("exec a; b", [["exec", "a"]], id="nothing after exec"),
        pytest.param("exec 2>log; b", [["b"]], id="an exec of no command"),
        pytest.param("exec a || b; c", [["c"]], id="an exec that may fail"),
        pytest.param("if a; then exec b; fi\nc", [["c"]], id="an exec under a condition"),
        pytest.param("f() { exec a; }; f", [["exec", "a"]], id="a function"),
        pytest.param("case x in\n x) a;;\n *) b; esac", [["b"]], id="case"),
        pytest.param("a; echo b; exit 0", [["a"]], id="what takes no terminal is passed over"),
        pytest.param("x='a b'; $x c", [["a", "b", "c"]], id="a variable"),
        pytest.param('"$@"', [["two", "three"]], id="all arguments"),
        pytest.param("exec ${1:-x} $0 $9", [["exec", "two", "one", "$9"]], id="arguments"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_terminal_is_left_to(script: str, commands: list[list[str]]) -> None:
    assert last_commands(script, ["one", "two", "three"]) == commands


PIECES = ["a", "exec", "if", "then", "fi", ";", "&&", "||", "|", "&", "(", ")", "{", "}"]
MORE = ["case", "in", "esac", ";;", "\n", "$@", "x=a"]


@given(st.lists(st.sampled_from([*PIECES, *MORE]), max_size=30))
def test_no_script_is_too_much(parts: list[str]) -> None:
    assert all(command for command in last_commands(" ".join(parts)))

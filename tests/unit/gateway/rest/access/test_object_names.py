"""The names that Kubernetes allows."""

import time

import pytest

from taskyard.gateway.rest.access.object_names import is_name, is_namespace


@pytest.mark.parametrize("text", ["a", "team", "team-1", "1", "a" * 63])
def test_the_name_of_a_namespace(text: str) -> None:
    assert is_namespace(text)


HOSTILE = [
    pytest.param("", id="empty"),
    pytest.param("a" * 64, id="too long"),
    pytest.param("Team", id="capitals"),
    pytest.param("-team", id="a hyphen at the beginning"),
    pytest.param("team-", id="a hyphen at the end"),
    pytest.param("te am", id="a blank"),
    pytest.param("team\n", id="a line's end"),
    pytest.param("te/am", id="a slash"),
    pytest.param("te.am", id="a dot"),
    pytest.param("..", id="a path"),
    pytest.param("tëam", id="a letter beyond ASCII"),
    pytest.param("team٣", id="a digit of another script"),
    pytest.param("jane@example.com", id="an address"),
    pytest.param("a" * 16_000, id="enormous"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_of_a_namespace(text: str) -> None:
    assert not is_namespace(text)
    assert not is_name("tasks", text)
    assert not is_name("tasks/log", text)


def test_a_tasks_name_is_shorter_and_a_templates_may_have_dots() -> None:
    assert is_name("tasks", "a" * 52)
    assert not is_name("tasks", "a" * 53)
    assert not is_name("tasks/log", "a" * 53)
    assert is_name("templateversions", "claude-1.2")
    assert is_name("templateversions", ".".join(["a" * 61] * 4))
    for text in ("a..b", ".a", "a.", "a.-b", "a" * 254, "A.b"):
        assert not is_name("templateversions", text)


def test_no_name_takes_long() -> None:
    began = time.perf_counter()
    for _ in range(100):
        is_namespace("a-" * 8000)
        is_name("templateversions", "a-" * 126)
    assert time.perf_counter() - began < 0.5

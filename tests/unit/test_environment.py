"""Settings are declared once and read from the environment; a wrong variable is named, with what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from taskyard import environment
from taskyard.environment import (
    JSON_OBJECT,
    NAMES,
    PATH,
    PORT,
    SECONDS,
    SWITCH,
    TEXT,
    WHOLE_SECONDS,
    Kind,
    SettingsError,
    read,
    variable,
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    name: str = variable("NAME", TEXT, meaning="the name of it")
    port: int = variable("PORT", PORT, default="8080", meaning="its port")
    folder: Path = variable("FOLDER", PATH, default="/tmp", meaning="its folder")
    url: str = variable("URL", TEXT, default="", meaning="where more is")
    key: str = variable("KEY", TEXT, default="", secret=True, needed_with="url", meaning="the key to it")
    more: bool = variable("MORE", SWITCH, default="false", meaning="whether there is more")
    count: int = variable("COUNT", environment.number(), default="1", only_with="more", meaning="how much more")


def refusal(kind: Kind[Any], text: str, *, secret: bool = False) -> str:
    """What is said of a value."""

    @dataclass(frozen=True)
    class One:
        value: Any = variable("X", kind, secret=secret, default=None, meaning="something")

    with pytest.raises(SettingsError) as error:
        read(One, {"X": text})
    return str(error.value)


def test_what_is_not_set_has_its_default() -> None:
    assert read(Settings, {"NAME": "a"}) == Settings(
        name="a", port=8080, folder=Path("/tmp"), url="", key="", more=False, count=1
    )


def test_defaults_hold_without_an_environment_too() -> None:
    assert Settings(name="a") == read(Settings, {"NAME": "a"})


def test_what_is_set_counts() -> None:
    given = {"NAME": "a", "PORT": "1", "FOLDER": "/x", "URL": "u", "KEY": "k", "MORE": "true", "COUNT": "7"}
    assert read(Settings, given | {"UNRELATED": "x"}) == Settings(
        name="a", port=1, folder=Path("/x"), url="u", key="k", more=True, count=7
    )


@pytest.mark.parametrize("given", [{}, {"NAME": ""}], ids=["not set", "empty"])
def test_a_variable_without_a_default_is_required(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^environment variable NAME is not set; it holds the name of it$"):
        read(Settings, given)


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert read(Settings, {"NAME": "a", "FOLDER": "", "URL": "", "PORT": "", "MORE": ""}) == Settings(name="a")


@pytest.mark.parametrize("given", [{}, {"KEY": ""}], ids=["not set", "empty"])
def test_a_variable_can_be_required_where_another_is_set(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^environment variable KEY is not set; it holds the key to it$"):
        read(Settings, {"NAME": "a", "URL": "u"} | given)


def test_a_variable_can_be_of_no_interest_where_another_is_off() -> None:
    assert read(Settings, {"NAME": "a", "COUNT": "nonsense"}).count == 1
    with pytest.raises(SettingsError, match="COUNT must be a whole number"):
        read(Settings, {"NAME": "a", "COUNT": "nonsense", "MORE": "true"})


def test_secrets_are_shown_nowhere() -> None:
    assert "s3cret" not in repr(read(Settings, {"NAME": "a", "KEY": "s3cret"}))
    assert refusal(PORT, "s3cret", secret=True) == "environment variable X must be a port number from 1 to 65535"


def test_of_a_long_value_the_beginning_is_shown() -> None:
    assert refusal(PORT, "x" * 1000) == (
        f"environment variable X must be a port number from 1 to 65535, not '{'x' * environment.MAX_SHOWN_CHARACTERS}…'"
    )


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        pytest.param(PORT, "65535", 65535, id="the last port"),
        pytest.param(environment.port(least=0), "0", 0, id="a port that the system chooses"),
        pytest.param(environment.number(1, 5), "5", 5, id="the most"),
        pytest.param(environment.number(), "007", 7, id="zeros before it"),
        pytest.param(environment.number_of_seconds(0.2, 300), "0.2", 0.2, id="the least seconds"),
        pytest.param(SECONDS, "1.5s", 1.5, id="seconds"),
        pytest.param(WHOLE_SECONDS, "10.0s", 10, id="whole seconds"),
        pytest.param(SWITCH, "True", True, id="a switch in other letters"),
        pytest.param(SWITCH, "false", False, id="off"),
        pytest.param(environment.one_of("One", "Two"), "tWO", "Two", id="a word in other letters"),
        pytest.param(environment.one_of("One"), "One", "One", id="a word"),
        pytest.param(NAMES, " a,,b c ,", ("a", "b c"), id="names"),
        pytest.param(JSON_OBJECT, '{"a": []}', {"a": []}, id="JSON"),
        pytest.param(PATH, "/a/b", Path("/a/b"), id="a path"),
    ],
)
def test_a_value_is_read(kind: Kind[Any], text: str, value: object) -> None:
    assert kind.read(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        pytest.param(PORT, "0", "must be a port number from 1 to 65535, not '0'", id="port 0"),
        pytest.param(PORT, "65536", "must be a port number from 1 to 65535, not '65536'", id="no port"),
        pytest.param(PORT, "٣", "must be a port number from 1 to 65535, not '٣'", id="other digits"),
        pytest.param(
            PORT, "9" * 5000, "must be a port number from 1 to 65535, not '999", id="more digits than are read"
        ),
        pytest.param(environment.port(0), "-1", "must be a port number from 0 to 65535, not '-1'", id="below zero"),
        pytest.param(environment.number(), "1.5", "must be a whole number, not '1.5'", id="a fraction"),
        pytest.param(environment.number(1, 5000), "0", "must be a whole number from 1 to 5,000, not '0'", id="too few"),
        pytest.param(environment.number(1, 5000), "5001", "must be a whole number from 1 to 5,000", id="too many"),
        pytest.param(environment.number(3), "2", "must be a whole number from 3, not '2'", id="less than the least"),
        pytest.param(
            environment.number_of_seconds(0.2, 300), "nan", "must be a number of seconds from 0.2 to 300", id="nan"
        ),
        pytest.param(SECONDS, "10", "must be a number of seconds such as 10s, not '10'", id="no unit"),
        pytest.param(WHOLE_SECONDS, "9.5s", "must be a whole number of seconds such as 10s, not '9.5s'", id="half"),
        pytest.param(SWITCH, "on", "must be true or false, not 'on'", id="no switch"),
        pytest.param(environment.one_of("One", "Two"), "Six", "must be one of One, Two, not 'Six'", id="another word"),
        pytest.param(JSON_OBJECT, "{", "must be a JSON object, not '{': Expecting", id="no JSON"),
        pytest.param(JSON_OBJECT, "[]", "must be a JSON object, not '[]'", id="no object"),
    ],
)
def test_what_is_of_no_use_is_named_with_what_is_taken(kind: Kind[Any], text: str, says: str) -> None:
    said = refusal(kind, text)
    assert said.startswith(f"environment variable X {says}")
    assert "\n" not in said

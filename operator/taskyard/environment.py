"""Settings from environment variables.

A frozen dataclass declares each of its fields once, with `variable`: name, default, accepted values and meaning.
`read` makes an instance of it.

    @dataclass(frozen=True, kw_only=True)
    class Settings:
        namespace: str = variable("TASKYARD_NAMESPACE", TEXT, meaning="the namespace of the installation")
        health_port: int = variable("TASKYARD_HEALTH_PORT", PORT, default="8080", meaning="the port of the probes")

    settings = read(Settings, os.environ)

A variable without a default is required. An empty variable counts as not set; any other value has to be valid.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
Declared = TypeVar("Declared", bound="DataclassInstance")

MAX_PORT = 65_535
MAX_SHOWN_CHARACTERS = 80


class SettingsError(ValueError):
    """A variable is missing or invalid; one line with its name, the accepted values and its actual value."""


@dataclass(frozen=True)
class Kind(Generic[T]):
    """How a text becomes a value. `read` raises ValueError, whose text, if any, is added to the error message.

    `takes` completes "must be …"; it is empty where no text is refused.
    """

    read: Callable[[str], T]
    takes: str


class Variable(NamedTuple):
    """The declaration of one variable. `default` is the text used when it is not set; None makes it required.

    `meaning` completes "it holds …"; `without` says what an empty default stands for. A `secret` value appears in no
    error and in no `repr`. `only_with` and `needed_with` name an earlier field: the variable is read only if the first
    is true, and required if the second is not empty.
    """

    name: str
    kind: Kind[Any]
    meaning: str
    default: str | None
    without: str
    secret: bool
    only_with: str
    needed_with: str

    def value(self, environment: Mapping[str, str], *, needed: bool = False) -> Any:
        """The value that the environment sets, or the default. Raises SettingsError."""
        text = environment.get(self.name, "")
        if not text:
            if needed or self.default is None:
                raise SettingsError(f"environment variable {self.name} is not set; it holds {self.meaning}")
            text = self.default
        try:
            return self.kind.read(text)
        except ValueError as error:
            raise SettingsError(self._refusal(text, str(error))) from error

    def _refusal(self, text: str, cause: str) -> str:
        expected = f"environment variable {self.name} must be {self.kind.takes}"
        if self.secret:
            return expected
        shown = repr(text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…")
        return f"{expected}, not {shown}" + (f": {cause}" if cause else "")


def variable(
    name: str,
    kind: Kind[T],
    *,
    meaning: str,
    default: str | None = None,
    without: str = "",
    secret: bool = False,
    only_with: str = "",
    needed_with: str = "",
) -> T:
    """A dataclass field that the variable `name` sets; see Variable."""
    declared = Variable(
        name=name,
        kind=kind,
        meaning=meaning,
        default=default,
        without=without,
        secret=secret,
        only_with=only_with,
        needed_with=needed_with,
    )
    options: dict[str, Any] = {"repr": not secret, "metadata": {"variable": declared}}
    if default is not None:
        options["default_factory"] = partial(kind.read, default)
    return cast(T, dataclasses.field(**options))


def variables(settings: type[DataclassInstance]) -> dict[str, Variable]:
    """The declarations of a class, by the names of the fields."""
    return {field.name: field.metadata["variable"] for field in dataclasses.fields(settings)}


def read(settings: type[Declared], environment: Mapping[str, str]) -> Declared:
    """An instance with the values of the environment. Raises SettingsError for the first variable that is invalid."""
    values: dict[str, Any] = {}
    for field, declared in variables(settings).items():
        if declared.only_with and not values[declared.only_with]:
            continue
        needed = bool(declared.needed_with and values[declared.needed_with])
        values[field] = declared.value(environment, needed=needed)
    return settings(**values)


def number(least: int = 0, most: int | None = None) -> Kind[int]:
    """A whole number in decimal digits."""
    span = f" from {least:,} to {most:,}" if most is not None else f" from {least:,}" if least else ""
    return Kind(partial(_whole_number, least=least, most=most), f"a whole number{span}")


def port(least: int = 1) -> Kind[int]:
    """A TCP port; with `least` 0 also 0, for which the system chooses one."""
    return Kind(partial(_whole_number, least=least, most=MAX_PORT), f"a port number from {least} to {MAX_PORT}")


def number_of_seconds(least: float, most: float) -> Kind[float]:
    """Seconds without a unit, such as 2 or 0.5."""

    def seconds(text: str) -> float:
        try:
            given = float(text)
        except ValueError:
            given = math.nan
        if not least <= given <= most:
            raise ValueError
        return given

    return Kind(seconds, f"a number of seconds from {least:g} to {most:g}")


def one_of(*words: str) -> Kind[str]:
    """One of these words, in any case."""

    def word(text: str) -> str:
        for known in words:
            if known.lower() == text.lower():
                return known
        raise ValueError

    return Kind(word, f"one of {', '.join(words)}")


def _whole_number(text: str, *, least: int, most: int | None) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
        raise ValueError
    return int(text)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)s", text)
    if not found:
        raise ValueError
    return float(found[1])


def _whole_seconds(text: str) -> int:
    seconds = _seconds(text)
    if seconds != int(seconds):
        raise ValueError
    return int(seconds)


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _json_object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError
    return value


TEXT = Kind(str, "")
PATH = Kind(Path, "")
NAMES = Kind(_names, "names with commas between them")
SWITCH = Kind(_switch, "true or false")
PORT = port()
SECONDS = Kind(_seconds, "a number of seconds such as 10s")
WHOLE_SECONDS = Kind(_whole_seconds, "a whole number of seconds such as 10s")
JSON_OBJECT = Kind(_json_object, "a JSON object")
LOG_LEVEL = one_of("DEBUG", "INFO", "WARNING", "ERROR")

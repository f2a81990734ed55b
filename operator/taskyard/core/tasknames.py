"""Names for Tasks that are created without one: from a model's answer, else from the prompt, else by chance.

A generated name is a stem of at most 27 characters, a hyphen and four hexadecimal digits.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from taskyard.core.task_title import display_name
from taskyard.core.text_sanitizer import CONTROLS, one_line
from taskyard.limits import MAX_DISPLAY_NAME_CHARACTERS

MAX_NAME_CHARACTERS = 32
MAX_STEM_CHARACTERS = 27

_NAME = re.compile(r"[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*")
_FOREIGN = re.compile(r"[^a-z0-9-]")
_RESERVED = ("new", "create")
_UNNAMED = ("task-unnamed", "task unnamed")
_FENCE = re.compile(r"\A\s*```[a-zA-Z]*\s*(.*?)\s*```\s*\Z", re.DOTALL)

_ADJECTIVES = (
    "amber brave bright brisk calm clever crisp deft eager fair fleet gentle golden hardy keen kind lively lucid "
    "mellow merry nimble noble patient proud quick quiet ready robust sharp silver sleek smart solid steady sunny "
    "swift tidy vivid warm wise"
)
_NOUNS = (
    "anchor badger beacon birch bridge brook canyon cedar comet condor delta ember falcon fjord garden glacier grove "
    "harbor heron island kestrel lantern lark maple meadow otter pebble pine planet quarry raven reef ridge river "
    "sparrow spruce summit thicket valley willow"
)
ADJECTIVES = tuple(_ADJECTIVES.split())
NOUNS = tuple(_NOUNS.split())


@dataclass(frozen=True)
class Names:
    """A name without its digits, and the title that goes with it."""

    stem: str
    display_name: str


def fault(name: str) -> str | None:
    """Why a name given by a person is refused; None when it is valid."""
    if len(name) > MAX_NAME_CHARACTERS:
        return f"must be <= {MAX_NAME_CHARACTERS} characters"
    if not name:
        return "must be >= 1 character"
    if name.lower() in _RESERVED:
        return f'cannot use "{name}" as a name'
    return None if _NAME.fullmatch(name) else "must be alphanumeric with hyphens"


def with_digits(stem: str, digits: str) -> str:
    """The whole name; `digits` are four hexadecimal digits."""
    return f"{stem}-{digits}"


def from_prompt(prompt: str) -> Names | None:
    """Names from a prompt's first words; None when those contain neither a Latin letter nor a digit."""
    words = " ".join(prompt.split())
    text = _cut(words, MAX_STEM_CHARACTERS).lower().replace(" ", "-")
    stem = re.sub("-+", "-", _FOREIGN.sub("", text)).strip("-")
    return Names(stem, display_name(words, fallback=stem)) if stem else None


def by_chance(number: int, *, prompt: str = "") -> Names:
    """An adjective and a noun, picked by `number` (any, not negative). The title is made from the prompt, if that has
    letters of any script."""
    adjective, noun = ADJECTIVES[number % len(ADJECTIVES)], NOUNS[number // len(ADJECTIVES) % len(NOUNS)]
    fallback = f"{adjective.capitalize()} {noun.capitalize()}"
    spoken = prompt if any(character.isalnum() for character in prompt) else ""
    return Names(f"{adjective}-{noun}", display_name(spoken, fallback=fallback))


def from_model(answer: str) -> Names | None:
    """Names from a language model's answer; None unless that is the requested JSON object {task_name, display_name}."""
    fenced = _FENCE.match(answer)
    try:
        found = json.loads(fenced[1] if fenced else answer)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    stem, title = found.get("task_name"), found.get("display_name")
    if not isinstance(stem, str) or not isinstance(title, str):
        return None
    if CONTROLS.search(title.strip()):
        return None
    stem, title = stem.strip().lower().rstrip("-"), one_line(title)
    if not title or len(title) > MAX_DISPLAY_NAME_CHARACTERS or title.lower() in _UNNAMED:
        return None
    if len(stem) > MAX_STEM_CHARACTERS or stem in _UNNAMED or fault(stem):
        return None
    return Names(stem, title)


def _cut(text: str, length: int) -> str:
    """At most `length` characters, in whole words if there is more than one."""
    if len(text) <= length or text[length] == " ":
        return text[:length]
    return text[:length].rsplit(" ", 1)[0]

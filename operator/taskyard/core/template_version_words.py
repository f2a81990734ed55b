"""What the API server says about the Pod of a dry run, in the terms of who wrote the template version.

The Pod is made from the version's `spec.pod`, with Taskyard's own parts before, among and behind the author's. So its
fields have other paths, and its name is of no use to anybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from taskyard.core.api_object import Manifest

# No Task has this name: it is longer than a Task's name may be.
NAME = "taskyard-dry-run-" + "x" * 36

UNKNOWN = "unknown field "
_FIELD_FAULT = re.compile(r'(?P<fault>(?:unknown|duplicate) field )"(?P<path>.*)"')
# At the beginning of a sentence, of a list or of its next entry; within quotes there are values.
_PATH = re.compile(r"(?<![^\s\[(])(?:spec|metadata)\.[A-Za-z][\w.\[\]]*\w\]?")
_STEP = re.compile(r"\.?(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]")
_SUBJECT = re.compile(rf'^(?:pods|Pod(?:\.v1)?) "{NAME}" is ')

# Of the metadata of a PodTemplateSpec.
_METADATA = frozenset(
    {
        "annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers",
        "generateName", "generation", "labels", "managedFields", "name", "namespace", "ownerReferences",
        "resourceVersion", "selfLink", "uid",
    }
)  # fmt: skip


def unsent(pod: Manifest) -> list[str]:
    """Fields of a `spec.pod` that no PodTemplateSpec has, as the API server would name them: they are no part of the
    Pod that it sees."""
    found = [f"spec.pod.{name}" for name in sorted(pod.keys() - {"metadata", "spec"})]
    found += [f"spec.pod.metadata.{name}" for name in sorted((pod.get("metadata") or {}).keys() - _METADATA)]
    return [f'{UNKNOWN}"{path}"' for path in found]


@dataclass(frozen=True)
class Words:
    """The words about a Pod: `given` is the version's `spec.pod`, `made` the Pod that was made from it."""

    given: Manifest
    made: Manifest

    def warning(self, text: str) -> str | None:
        """A warning with the paths that the author wrote; None for one about Taskyard's own parts, for which the author
        can do nothing."""
        fault = _FIELD_FAULT.fullmatch(text)
        if fault:
            path = self.path(fault["path"])
            return None if path is None else f'{fault["fault"]}"{path}"'
        first = _PATH.match(text)
        return None if first and self.path(first[0]) is None else self.text(text)

    def text(self, text: str) -> str:
        """The text without the Pod's name, and with the paths that the author wrote; those of Taskyard's own parts stay
        as they are."""
        text = _SUBJECT.sub("the Pod is ", text).replace(f'"{NAME}"', "of a Task").replace(NAME, "TASK")
        return _PATH.sub(lambda found: self.path(found[0]) or found[0], text)

    def path(self, path: str) -> str | None:
        """The path in the version of a field of the Pod; None for a part that Taskyard has added."""
        result, end = "spec.pod", 0
        given: Any = self.given
        made: Any = self.made
        for step in _STEP.finditer(path):
            if step.start() != end:
                break
            if step["index"] is None:
                result += f".{step['name']}"
                given, made = (part.get(step["name"]) if isinstance(part, dict) else None for part in (given, made))
            else:
                index = given_index(int(step["index"]), given, made)
                if index is None:
                    return None
                result += f"[{index}]"
                given, made = element(given, index), element(made, int(step["index"]))
            end = step.end()
        return result + path[end:]


def given_index(index: int, given: Any, made: Any) -> int | None:
    """The place in the author's list of what has this place in the Pod's; None for what is not the author's. Things of
    a list have names, which may repeat themselves; others stay where they are."""
    name = name_of(element(made, index))
    if name is None:
        return index
    turn = sum(name_of(other) == name for other in made[:index])
    places = [at for at, other in enumerate(given or ()) if name_of(other) == name]
    return places[turn] if turn < len(places) else None


def element(part: Any, index: int) -> Any:
    """An element of a list; None where there is none."""
    return part[index] if isinstance(part, list) and index < len(part) else None


def name_of(part: Any) -> Any:
    """What a thing in a list is called; None for one without a name."""
    return part.get("name") if isinstance(part, dict) else None

"""A question that a program asks at its terminal, as people see and answer it. Pure."""

import hashlib
from dataclasses import dataclass
from typing import Any

from taskyard.limits import MAX_QUESTION_CHARACTERS
from taskyard.sidecar.screen.question import AnsweredBy

ID_CHARACTERS = 16
WORDS = ("yes", "no")


@dataclass(frozen=True)
class TerminalQuestion:
    """`options` are the lines of a menu, as (what is typed, name). The same question of another turn, and another
    dialog with the same text, has another `id`; a restart of the sidecar changes none. People are not told the id of a
    question that keys alone answer.
    """

    id: str
    text: str
    answered_by: AnsweredBy = AnsweredBy.TEXT
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        text: str,
        name: str = "",
        *,
        instance: str,
        position: int,
        answered_by: AnsweredBy = AnsweredBy.TEXT,
        options: tuple[tuple[str, str], ...] = (),
    ) -> "TerminalQuestion":
        """`name`, else its text, tells it from others of its turn, which began at `position` in the output of the run
        `instance`.
        """
        named = f"{instance}:{position}:{name or text}".encode(errors="replace")
        id_ = hashlib.sha256(named).hexdigest()[:ID_CHARACTERS]
        return cls(id_, text[:MAX_QUESTION_CHARACTERS], answered_by, options)

    def body(self) -> dict[str, Any]:
        options = [{"id": typed, "name": name} for typed, name in self.options]
        told = {} if self.answered_by is AnsweredBy.KEYS else {"id": self.id}
        return {**told, "text": self.text, "options": options}

    def typed(self, content: str) -> str | None:
        """What to type when a person answers `content`: a line's number, its text, or yes or no for the first line that
        begins so. None: that is no answer.
        """
        if self.answered_by is not AnsweredBy.OPTION:
            return content if self.answered_by is AnsweredBy.TEXT else None
        said = " ".join(content.split()).casefold()
        exact = (typed for typed, name in self.options if said in (typed.casefold(), name.casefold()))
        word = said.rstrip(".!")
        begins = (typed for typed, name in self.options if word in WORDS and name.casefold().startswith(word))
        return next(exact, None) or next(begins, None)

    def refuses(self, content: str) -> str:
        """Why `content` does not answer the question; empty when it does."""
        if self.typed(content) is not None:
            return ""
        if self.answered_by is AnsweredBy.KEYS:
            return f'"{self.text}" takes keys, and a text would press others than were meant: send type Raw'
        return "the answer must be one of " + ", ".join(f'"{typed}" ({name})' for typed, name in self.options)

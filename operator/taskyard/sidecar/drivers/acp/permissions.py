"""The permissions that an agent has requested over ACP and that are not answered yet. Pure."""

from collections.abc import Iterator

from taskyard.sidecar.drivers.acp import protocol


class PermissionQuestions:
    """The open questions, in the order in which they were asked; people are shown the first."""

    def __init__(self) -> None:
        self._open: list[protocol.Question] = []

    def __iter__(self) -> Iterator[protocol.Question]:
        """Iterates over a copy, so that questions can be answered meanwhile."""
        return iter(list(self._open))

    @property
    def first(self) -> protocol.Question | None:
        return self._open[0] if self._open else None

    def add(self, question: protocol.Question) -> None:
        if question.id not in {known.id for known in self._open}:
            self._open.append(question)

    def remove(self, question: protocol.Question) -> None:
        self._open = [known for known in self._open if known.id != question.id]

    def clear(self) -> None:
        self._open.clear()

    def chosen(self, question_id: str, content: str) -> tuple[protocol.Question, protocol.Option] | str:
        """The question of that id and the option that a person means by `content`, or why there is no such option."""
        question = next((known for known in self._open if known.id == question_id), None)
        if question is None:
            return f'the question "{question_id}" is not open (any more)'
        option = protocol.chosen(question.options, content)
        if option is None:
            names = ", ".join(f'"{known.name}"' for known in question.options)
            return f"the answer must be one of {names}, yes or no"
        return question, option

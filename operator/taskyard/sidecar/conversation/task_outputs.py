"""Named values that the agent publishes as results of its Task. Pure."""

import re
from collections.abc import Mapping

from taskyard.core.text_sanitizer import whole, with_line_feeds
from taskyard.limits import MAX_OUTPUT_NAME_CHARACTERS, MAX_OUTPUT_VALUE_BYTES, MAX_OUTPUTS
from taskyard.sidecar.conversation.content import removed

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class OutputError(ValueError):
    """The name or value is not accepted; the text is for the agent."""


def with_value(outputs: Mapping[str, str], name: object, value: object) -> dict[str, str]:
    """The outputs with one added or replaced. Raises OutputError."""
    if not isinstance(name, str) or len(name) > MAX_OUTPUT_NAME_CHARACTERS or not NAME.fullmatch(name):
        raise OutputError(
            f"name must be 1 to {MAX_OUTPUT_NAME_CHARACTERS} letters, digits, '_', '.' or '-', "
            "and begin with a letter or '_'"
        )
    if not isinstance(value, str):
        raise OutputError("value must be text")
    value = with_line_feeds(value)
    if controls := removed(value):
        raise OutputError(f"value must be printable text, without control characters: it has {', '.join(controls)}")
    if value != whole(value):
        raise OutputError("value must be printable text: it has half of a surrogate pair")
    if len(value.encode()) > MAX_OUTPUT_VALUE_BYTES:
        raise OutputError(f"value may have at most {MAX_OUTPUT_VALUE_BYTES} bytes")
    if name not in outputs and len(outputs) >= MAX_OUTPUTS:
        raise OutputError(f"there are {MAX_OUTPUTS} outputs, which is the most; a value can still be replaced")
    return {**outputs, name: value}


def body(outputs: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """The outputs in the form that the gateway accepts."""
    return {"outputs": [{"name": name, "value": value} for name, value in outputs.items()]}


def kept(value: object) -> dict[str, str]:
    """The outputs in a record on the disk; invalid ones are skipped."""
    outputs: dict[str, str] = {}
    for name, text in value.items() if isinstance(value, dict) else ():
        try:
            outputs = with_value(outputs, name, text)
        except OutputError:
            continue
    return outputs

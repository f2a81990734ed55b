"""What a user's message may contain when it is passed to an agent. Pure."""

import re

UNTYPABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def typable(content: str) -> str:
    """The message without control characters, which could end the paste or the program."""
    return UNTYPABLE.sub("", content.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")

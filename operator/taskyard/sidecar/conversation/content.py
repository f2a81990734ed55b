"""What a user's message may hold when it is given to an agent. Pure."""

import re

UNTYPABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def typable(content: str) -> str:
    """The message without what a keyboard's control keys would send, which could end the paste or the program."""
    return UNTYPABLE.sub("", content.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")

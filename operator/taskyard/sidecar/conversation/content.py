"""What of a user's text is passed to an agent: text, never keys. The conversation keeps what was said. Pure."""

from taskyard.core.text_sanitizer import CONTROLS, with_line_feeds

_KEYS = {0x00: "NUL", 0x08: "Backspace", 0x1B: "ESC", 0x7F: "DEL"}


def keyless(text: str) -> str:
    """The text as it may be typed: without control characters, which a terminal and its programs take for keys. Line
    ends become line feeds; line feeds and tabs stay, as does all else.
    """
    return CONTROLS.sub("", with_line_feeds(text))


def typable(content: str) -> str:
    """A message as it is typed: keyless, and without empty lines around it, each of which would be an Enter."""
    return keyless(content).strip("\n")


def removed(text: str) -> list[str]:
    """The names of the control characters that `keyless` takes out, each once, in their order: "ESC", "Ctrl-C"."""
    return [_name(ord(found)) for found in dict.fromkeys(CONTROLS.findall(with_line_feeds(text)))]


def is_blank(content: str) -> bool:
    """Whether nothing of the message can be typed."""
    return not typable(content).strip()


def fault(content: str) -> str:
    """Why the message has nothing that can be typed; empty when it has."""
    if not is_blank(content):
        return ""
    names = removed(content)
    if not names:
        return "must not be empty"
    return (
        f"consists of control characters ({', '.join(names)}), which are keys and no text: nothing of it is typed. "
        "Keys are sent as type raw"
    )


def warning(content: str) -> str:
    """What is told when control characters of a message are not typed; empty when it has none."""
    names = removed(content)
    return f"control characters are keys and no text, and were not typed: {', '.join(names)}" if names else ""


def _name(code: int) -> str:
    if code >= 0x80:
        return f"U+{code:04X}"
    return _KEYS.get(code) or f"Ctrl-{chr(code + 0x40)}"

"""Extracts one file from a multipart/form-data body as it arrives, holding no more of it than a few lines. Pure."""

import enum
import re
from urllib.parse import unquote

from taskyard.lazypattern import pattern

FIELD = "file"
MAX_PARTS = 16
MAX_HEAD_BYTES = 8_192
MAX_PADDING_BYTES = 256
MAX_NAME_BYTES = 200
CRLF = b"\r\n"
BOUNDARY = pattern(r"multipart/form-data\s*;(?:[^\"]*;)?\s*boundary=(?:\"([^\"\\]{1,70})\"|([^\s;,\"]{1,70}))", re.I)
UNNAMEABLE = pattern(r"[\x00-\x1f\x7f-\x9f]")
PARAMETER = pattern(r";\s*([A-Za-z]+\*?)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^;\s]*))")


class MultipartError(ValueError):
    """The body is not a form of the expected kind."""


class State(enum.Enum):
    CONTENT = enum.auto()  # of a part, or what precedes the first
    DELIMITER = enum.auto()
    HEAD = enum.auto()
    END = enum.auto()


def boundary(content_type: str) -> bytes:
    """What separates the parts. Raises MultipartError when the body is not a form."""
    found = BOUNDARY.match(content_type)
    if found is None:
        raise MultipartError("the body must be multipart/form-data with a boundary")
    return (found[1] or found[2]).encode()


class FileParser:
    """`filename` is a safe name once the file has begun, None before; `finished`: the form has ended."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = CRLF + b"--" + boundary
        self._rest = bytearray(CRLF)  # so that the first delimiter looks like all others
        self._state = State.CONTENT
        self._in_file = False
        self._parts = 0
        self.filename: str | None = None

    @property
    def finished(self) -> bool:
        return self._state is State.END

    def feed(self, data: bytes) -> bytes:
        """The bytes of the file that `data` completes. Raises MultipartError."""
        self._rest += data
        content = bytearray()
        while self._step(content):
            pass
        return bytes(content)

    def _step(self, content: bytearray) -> bool:
        """Consumes one element of the buffer; False when more has to arrive first."""
        if self._state is State.CONTENT:
            return self._take_content(content)
        if self._state is State.DELIMITER:
            return self._take_delimiter()
        if self._state is State.HEAD:
            return self._take_head()
        self._rest.clear()  # what follows the form is ignored
        return False

    def _take_content(self, content: bytearray) -> bool:
        at = self._rest.find(self._delimiter)
        ready = at if at >= 0 else max(0, len(self._rest) - len(self._delimiter) + 1)
        if self._in_file:
            content += self._rest[:ready]
        if at < 0:
            del self._rest[:ready]
            return False
        del self._rest[: at + len(self._delimiter)]
        self._in_file = False
        self._state = State.DELIMITER
        return True

    def _take_delimiter(self) -> bool:
        if self._rest.startswith(b"--"):
            self._state = State.END
            return True
        at = self._rest.find(CRLF)
        if at < 0:
            if len(self._rest) > MAX_PADDING_BYTES:
                raise MultipartError("a boundary does not end")
            return False
        if self._rest[:at].strip(b" \t"):
            raise MultipartError("a boundary is followed by something else")
        del self._rest[: at + len(CRLF)]
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise MultipartError(f"the form has more than {MAX_PARTS} parts")
        self._state = State.HEAD
        return True

    def _take_head(self) -> bool:
        at = 0 if self._rest.startswith(CRLF) else self._rest.find(CRLF + CRLF) + len(CRLF)
        if at == len(CRLF) - 1:
            if len(self._rest) > MAX_HEAD_BYTES:
                raise MultipartError("the head of a part is too long")
            return False
        head = self._rest[:at].decode(errors="replace")
        del self._rest[: at + len(CRLF)]
        self._begin(head)
        self._state = State.CONTENT
        return True

    def _begin(self, head: str) -> None:
        parameters = _disposition(head)
        if parameters.get("name") != FIELD:
            return
        if self.filename is not None:
            raise MultipartError(f"the form has more than one {FIELD}")
        extended = parameters.get("filename*", "").split("'", 2)
        given = unquote(extended[2], errors="replace") if len(extended) == 3 else parameters.get("filename", "")
        self.filename = safe_name(given)
        self._in_file = True


def safe_name(given: str) -> str:
    """The client's name for a file, made safe: at most MAX_NAME_BYTES bytes, no path, no control characters."""
    name = re.split(r"[/\\]", given)[-1]
    name = UNNAMEABLE.sub("", name).strip(" ")
    if len(name.encode(errors="replace")) > MAX_NAME_BYTES:
        stem, dot, ending = name.rpartition(".")
        ending = dot + ending if stem and len(ending.encode(errors="replace")) <= 16 else ""
        stem = stem if ending else name
        room = MAX_NAME_BYTES - len(ending.encode(errors="replace"))
        name = stem.encode(errors="replace")[:room].decode(errors="ignore") + ending
    return name if name.strip(".") else FIELD


def _disposition(head: str) -> dict[str, str]:
    """The parameters of the part's Content-Disposition, by their names in lower case."""
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition" and value.strip().lower().startswith("form-data"):
            return {
                found[1].lower(): re.sub(r"\\([\"\\])", r"\1", found[2]) if found[2] is not None else found[3]
                for found in PARAMETER.finditer(value)
            }
    return {}

"""Pagination. A page's end is the place of its last entry, so entries that are added or deleted between two requests
neither repeat nor hide others. Pure."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.openapi.options import LIMIT_DEFAULT, MAX_LIMIT

MAX_TOKEN_CHARACTERS = 1024

# The sort key of an entry; lists are in ascending order.
Place = tuple[int | str, ...]

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some entries, and the token of the next page, empty on the last one."""

    entries: list[T]
    token: str

    def body(self, name: str, documents: Sequence[Any]) -> dict[str, Any]:
        """The response's body, with the entries under `name`."""
        found: dict[str, Any] = {name: documents, "count": len(documents)}
        return {**found, "continue": self.token} if self.token else found


def page(entries: Sequence[T], query: Mapping[str, str], *, place: Callable[[T], Place]) -> Page[T]:
    """The page that the parameters `limit` and `continue` select. Raises HttpError 400.

    Places of one list have the same length, and the same type at each position.
    """
    limit, after = _limit(query.get("limit", "")), _after(query.get("continue", ""))
    ordered = sorted(((place(entry), entry) for entry in entries), key=lambda pair: pair[0])
    if after and ordered and [type(part) for part in after] != [type(part) for part in ordered[0][0]]:
        raise invalid("continue", "It is not the token of a page of this list.")
    rest = [(at, entry) for at, entry in ordered if at > after] if after else ordered
    found = rest[:limit]
    return Page([entry for _, entry in found], _token(found[-1][0]) if len(rest) > limit else "")


def newest_first(timestamp: str) -> int:
    """The part of a place that sorts the newest first, from a timestamp in whole seconds of UTC."""
    return -int("".join(filter(str.isdigit, timestamp)))


def counted(text: str, most: int) -> int:
    """The value of a parameter if it is a number from 1 to `most`, else 0."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return int(text) if is_number and int(text) <= most else 0


def _limit(text: str) -> int:
    if not text:
        return LIMIT_DEFAULT
    found = counted(text, MAX_LIMIT)
    if not found:
        raise invalid("limit", f"It is a number from 1 to {MAX_LIMIT}.")
    return found


def _token(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def _after(text: str) -> Place:
    if not text:
        return ()
    fault = invalid("continue", "It is not the token of a page of this list.")
    if len(text) > MAX_TOKEN_CHARACTERS or not text.isascii():
        raise fault
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise fault from error
    if not isinstance(found, list) or not found or any(type(part) not in (int, str) for part in found):
        raise fault
    return tuple(found)


def invalid(field: str, detail: str) -> HttpError:
    """The error for an invalid query parameter."""
    return HttpError(400, "Invalid query parameters.", validations=[{"field": field, "detail": detail}])

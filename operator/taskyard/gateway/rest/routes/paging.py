"""Pagination, by the place of a page's last entry or by the number of entries before it. Whatever `limit` says, a page
ends where it would become too large. Pure.

With places, entries that are added or deleted between two requests neither repeat nor hide others; offsets are what the
Coder Tasks API has.
"""

import base64
import binascii
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from taskyard.core import text_limits
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.openapi.options import LIMIT_DEFAULT, MAX_LIMIT

MAX_TOKEN_CHARACTERS = 1024
# At most so much is on one page with a token, and on one with an offset, which without `limit` has all entries.
PAGE_BYTES = 4 << 20
LIST_BYTES, LIST_ENTRIES = 16 << 20, 10_000

_MAX_NUMBER_DIGITS = 9
_SHOWN_CHARACTERS = 40

# The sort key of an entry; lists are in ascending order.
Place = tuple[int | str, ...]

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some entries, and the token of the next page, empty on the last one. `is_cut`: it would have been too large."""

    entries: list[T]
    token: str
    is_cut: bool

    @property
    def more(self) -> dict[str, Any]:
        """What follows the entries in the response's body."""
        found: dict[str, Any] = {"count": len(self.entries)}
        return {**found, "continue": self.token} if self.token else found


@dataclass(frozen=True)
class Part(Generic[T]):
    """Some entries, and the offset of those after them, 0 for none. `is_cut`: they would have been too large."""

    entries: Sequence[T]
    following: int
    is_cut: bool


def page(
    entries: Sequence[T], query: Mapping[str, str], *, place: Callable[[T], Place], size: Callable[[T], int]
) -> Page[T]:
    """The page that the parameters `limit` and `continue` select, of entries of `size` bytes. Raises HttpError 400.

    Places of one list have the same length, and the same type at each position.
    """
    ordered = sorted(((place(entry), entry) for entry in entries), key=lambda pair: pair[0])
    after = after_of(query, like=ordered[0][0] if ordered else ())
    rest = [entry for at, entry in ordered if at > after] if after else [entry for _, entry in ordered]
    return first_page(rest, query, place=place, size=size)


def first_page(
    rest: Iterable[T], query: Mapping[str, str], *, place: Callable[[T], Place], size: Callable[[T], int]
) -> Page[T]:
    """The page that begins with the first of these entries, which are in order. Raises HttpError 400."""
    limit = _limit(query.get("limit", ""))
    found = list(itertools.islice(rest, limit + 1))
    wanted = found[:limit]
    count = fitting(wanted, size, most=PAGE_BYTES)
    return Page(wanted[:count], _token(place(wanted[count - 1])) if len(found) > count else "", count < len(wanted))


def after_of(query: Mapping[str, str], *, like: Place) -> Place:
    """The place that the parameter `continue` names, of the form of another one of the list; empty without it. Raises
    HttpError 400."""
    after = _after(query.get("continue", ""))
    if after and like and [type(part) for part in after] != [type(part) for part in like]:
        raise invalid("continue", 'Query param "continue" is not the token of a page of this list.')
    return after


def part(entries: Sequence[T], query: Mapping[str, str], *, size: Callable[[T], int]) -> Part[T]:
    """The entries that the parameters `limit` (all without it) and `offset` select. Raises HttpError 400."""
    offset, limit = number_of(query, "offset"), number_of(query, "limit")
    wanted = entries[offset : offset + limit if limit else None]
    count = fitting(wanted[:LIST_ENTRIES], size, most=LIST_BYTES)
    following = offset + count if offset + count < len(entries) else 0
    return Part(wanted[:count], following, count < len(wanted))


def fitting(entries: Sequence[T], size: Callable[[T], int], *, most: int) -> int:
    """How many of the first entries have at most so many bytes; at least one, if there is one."""
    total = 0
    for number, entry in enumerate(entries):
        total += size(entry)
        if total > most and number:
            return number
    return len(entries)


def number_of(query: Mapping[str, str], name: str) -> int:
    """The value of a parameter, 0 without it. Raises HttpError 400."""
    text = query.get(name, "") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_NUMBER_DIGITS):
        fault = out_of_range(name, text, least=0, most=10**_MAX_NUMBER_DIGITS - 1)
        raise HttpError(
            400, "Query parameters have invalid values.", detail=fault.detail, validations=fault.validations
        )
    return int(text)


def counted(text: str, most: int) -> int:
    """The value of a parameter if it is a number from 1 to `most`, else 0."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return int(text) if is_number and int(text) <= most else 0


def _limit(text: str) -> int:
    if not text:
        return LIMIT_DEFAULT
    found = counted(text, MAX_LIMIT)
    if not found:
        raise out_of_range("limit", text, least=1, most=MAX_LIMIT)
    return found


def _token(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def _after(text: str) -> Place:
    if not text:
        return ()
    fault = invalid("continue", 'Query param "continue" is not the token of a page of this list.')
    if len(text) > MAX_TOKEN_CHARACTERS or not text.isascii():
        raise fault
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise fault from error
    if not isinstance(found, list) or not found or any(type(part) not in (int, str) for part in found):
        raise fault
    return tuple(found)


def out_of_range(field: str, text: str, *, least: int, most: int) -> HttpError:
    """The error for a query parameter that is no number from `least` to `most`."""
    given = text_limits.shortened(text, _SHOWN_CHARACTERS)
    return invalid(field, f'Query param "{field}" must be a number from {least} to {most}, not "{given}".')


def invalid(field: str, detail: str) -> HttpError:
    """The error for an invalid query parameter."""
    validations = [{"field": field, "detail": detail}]
    return HttpError(400, "Invalid query parameters.", detail=detail, validations=validations)

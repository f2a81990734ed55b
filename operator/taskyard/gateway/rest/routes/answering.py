"""Lists as answers: the entries that the parameters select, and how to ask for those that follow."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response

from taskyard.gateway.http.list_answers import Fetching
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.routes import paging
from taskyard.gateway.rest.routes.paging import Page

T = TypeVar("T")


def answer(
    context: RestContext,
    person: Person,
    name: str,
    page: Page[T],
    shown: Callable[[T], Any],
    *,
    size: Callable[[T], int],
    fetching: Fetching[T] | None = None,
) -> Response:
    """A page as `{NAME, count, continue?}`."""
    if page.is_cut:
        context.metrics.bound_reached("list")
    caller = person.user.digest
    return context.lists.answer(caller, name, page.entries, shown, size=size, more=page.more, fetching=fetching)


def parts(
    context: RestContext,
    request: Request,
    person: Person,
    name: str,
    entries: Sequence[T],
    shown: Callable[[T], Any],
    *,
    size: Callable[[T], int],
    more: Mapping[str, Any] | None = None,
    fetching: Fetching[T] | None = None,
) -> Response:
    """The entries that `limit` and `offset` select: `{NAME, …more}`, without a name an array. A header Link (RFC 8288)
    names the request for those that follow. Raises HttpError 400."""
    found = paging.part(entries, request.query_params, size=size)
    if found.is_cut:
        context.metrics.bound_reached("list")
    headers = {}
    if found.following:
        url = request.url.include_query_params(offset=found.following)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    caller, entries = person.user.digest, found.entries
    return context.lists.answer(caller, name, entries, shown, size=size, more=more, headers=headers, fetching=fetching)

"""The query of `GET /tasks?q=`: `owner:jane status:active`; a bare word is an owner."""

from dataclasses import dataclass

from taskyard.gateway.rest.search.terms import SearchTerms

STATUSES = ("pending", "initializing", "active", "paused", "unknown", "error")


@dataclass(frozen=True)
class Query:
    """What to list; an empty text matches everything. All texts are in lower case, and names are not resolved."""

    owner: str = ""
    organization: str = ""
    status: str = ""


def parse(text: str) -> Query:
    """Read a query. Raises QueryError."""
    terms = SearchTerms(text, bare=lambda words: {"owner": words})
    found = Query(
        owner=terms.text("owner"),
        organization=terms.text("organization"),
        status=terms.choice("status", STATUSES),
    )
    terms.check()
    return found

"""The query of `GET /tasks?q=`: `owner:jane status:active`, quotes around spaces, bare words for an owner."""

from collections.abc import Mapping
from dataclasses import dataclass

STATUSES = ("pending", "initializing", "active", "paused", "unknown", "error")
_KEYS = ("owner", "organization", "status")


@dataclass(frozen=True)
class Query:
    """What to list; an empty text matches everything. All texts are in lower case, and names are not resolved."""

    owner: str = ""
    organization: str = ""
    status: str = ""


class QueryError(Exception):
    """The query is invalid. `validations` are `{field, detail}`."""

    def __init__(self, validations: list[Mapping[str, str]]) -> None:
        super().__init__(validations[0]["detail"])
        self.validations = validations


def parse(text: str) -> Query:
    """Read a query. Raises QueryError."""
    values: dict[str, list[str]] = {}
    bare: list[str] = []
    for element in _split(text.lower(), " "):
        parts = _split(element, ":", keep_empty=True)
        if element.startswith(":") or element.endswith(":"):
            raise QueryError([_fault("q", f"Query element \"{element}\" cannot start or end with ':'")])
        if len(parts) > 2:
            raise QueryError([_fault("q", f"Query element \"{element}\" can only contain 1 ':'")])
        if len(parts) == 2:
            values.setdefault(parts[0], []).append(parts[1].strip('"'))
        else:
            bare.append(element.strip('"'))
    if bare:
        values.setdefault("owner", []).append(" ".join(bare))
    faults = [_fault(key, f'"{key}" is not a valid query param') for key in values if key not in _KEYS]
    faults += [_fault(key, f'Query param "{key}" may be given once.') for key, given in values.items() if given[1:]]
    status = values.get("status", [""])[0]
    if status and status not in STATUSES:
        known = ", ".join(STATUSES)
        faults.append(_fault("status", f'Query param "status" has invalid value: "{status}" is not one of {known}.'))
    if faults:
        raise QueryError(faults)
    return Query(owner=values.get("owner", [""])[0], organization=values.get("organization", [""])[0], status=status)


def _fault(field: str, detail: str) -> Mapping[str, str]:
    return {"field": field, "detail": detail}


def _split(text: str, delimiter: str, *, keep_empty: bool = False) -> list[str]:
    """The parts between delimiters outside double quotes."""
    parts, quoted = [""], False
    for character in text:
        if character == '"':
            quoted = not quoted
        if character == delimiter and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    return parts if keep_empty else [part for part in parts if part]

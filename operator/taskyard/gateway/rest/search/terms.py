"""The grammar that the search queries of all lists share: `owner:jane status:active`, quotes around spaces, bare words
for what each list searches by default."""

from collections.abc import Callable, Collection, Mapping

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest import identifiers

# Of a whole query, and of its terms: longer ones are refused before they are read.
MAX_QUERY_CHARACTERS = 4096
MAX_TERMS = 32

_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class QueryError(Exception):
    """The query is invalid. `validations` are `{field, detail}`."""

    def __init__(self, validations: list[Mapping[str, str]], *, bound: str = "") -> None:
        super().__init__(validations[0]["detail"])
        self.validations = validations
        self.bound = bound

    @classmethod
    def unknown(cls, what: str, field: str, value: str) -> "QueryError":
        """The query names a user or an organization that does not exist, or that the caller may not see."""
        detail = f'{what} "{value}" either does not exist, or you are unauthorized to view them'
        return cls([_fault(field, detail)])

    def response(self, what: str) -> HttpError:
        """The refusal of a search for `what`, such as "task"."""
        return HttpError(400, f"Invalid {what} search query.", validations=self.validations, bound=self.bound)


class SearchTerms:
    """The values of a query by key, in lower case. A key is known once it has been read; `check` raises what was found
    wrong with the values, and the keys that nobody read."""

    def __init__(self, text: str, *, bare: Callable[[str], Mapping[str, str]]) -> None:
        """`bare` says what the words without a key stand for, joined by spaces. Raises QueryError."""
        self._values: dict[str, list[str]] = {}
        self._known: set[str] = set()
        self._faults: list[Mapping[str, str]] = []
        words: list[str] = []
        if len(text) > MAX_QUERY_CHARACTERS:
            raise QueryError([_fault("q", f"A query has at most {MAX_QUERY_CHARACTERS} characters.")], bound="query")
        elements = _split(text.lower(), " ")
        if len(elements) > MAX_TERMS:
            raise QueryError([_fault("q", f"A query has at most {MAX_TERMS} terms.")], bound="query")
        for element in elements:
            parts = _split(element, ":", keep_empty=True)
            if element.startswith(":") or element.endswith(":"):
                raise QueryError([_fault("q", f"Query element \"{element}\" cannot start or end with ':'")])
            if len(parts) > 2:
                raise QueryError([_fault("q", f"Query element \"{element}\" can only contain 1 ':'")])
            if len(parts) == 2:
                self._values.setdefault(parts[0].strip('"'), []).append(parts[1].strip('"'))
            else:
                words.append(element.strip('"'))
        if words:
            for key, value in bare(" ".join(words)).items():
                self._values.setdefault(key, []).append(value)

    def text(self, key: str) -> str:
        """The value of a key, empty if it is not given."""
        self._known.add(key)
        return self._values.get(key, [""])[0]

    def choice(self, key: str, known: Collection[str]) -> str:
        """One of the known values, empty if it is not given."""
        value = self.text(key)
        if value and value not in known:
            self.refuse(key, f'Query param "{key}" has invalid value: "{value}" is not one of {", ".join(known)}.')
        return value

    def flag(self, key: str) -> bool | None:
        """True or false, None if it is not given."""
        value = self.text(key)
        if value and value not in _BOOLEANS:
            self.refuse(key, f'Query param "{key}" must be a valid boolean: "{value}" is neither true nor false.')
        return _BOOLEANS.get(value)

    def uuids(self, key: str) -> frozenset[str]:
        """The UUIDs between commas, none if it is not given."""
        values = [value.strip() for value in self.text(key).split(",") if value.strip()]
        found = [identifiers.parsed(value) for value in values]
        for value, uid in zip(values, found, strict=True):
            if uid is None:
                self.refuse(key, f'Query param "{key}" has invalid value: "{value}" is not a UUID.')
        return frozenset(uid for uid in found if uid)

    def refuse(self, key: str, detail: str) -> None:
        """Something is wrong with the value of a key."""
        self._faults.append(_fault(key, detail))

    def check(self) -> None:
        """Raise QueryError if anything is wrong."""
        faults = [_fault(key, f'"{key}" is not a valid query param') for key in self._values if key not in self._known]
        faults += [
            _fault(key, f'Query param "{key}" may be given once.') for key, given in self._values.items() if given[1:]
        ]
        if faults + self._faults:
            raise QueryError(faults + self._faults)


def _fault(field: str, detail: str) -> Mapping[str, str]:
    return {"field": field, "detail": detail}


def _split(text: str, delimiter: str, *, keep_empty: bool = False) -> list[str]:
    """The parts between delimiters outside double quotes."""
    parts, begin, quoted = [], 0, False
    for place, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif character == delimiter and not quoted:
            parts.append(text[begin:place])
            begin = place + 1
    parts.append(text[begin:])
    return parts if keep_empty else [part for part in parts if part]

"""Regular expressions that are compiled when they are first used: each takes up to a millisecond, and most processes
use few of those that their modules have.
"""

import re
from typing import Any, AnyStr, cast


class _LazyPattern:
    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._text, self._flags), name)
        # From now on it is found here.
        setattr(self, name, found)
        return found


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Like `re.compile`, but an invalid expression raises re.error when it is first used."""
    return cast("re.Pattern[AnyStr]", _LazyPattern(text, flags))

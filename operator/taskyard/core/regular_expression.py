"""Regular expressions of template versions, compiled: RE2, linear in time, since a pattern and the text may come from
different people.
"""

from __future__ import annotations

import re2  # type: ignore[import-untyped]

# What one takes, with the states that it makes while it matches: nine characters can be a program of 2 MiB, and be
# compiled for 45 ms. RE2 itself keeps the last 128.
MAX_BYTES = 1 << 19


def compiled(pattern: str) -> re2._Regexp:
    """The expression. Raises ValueError, with the cause, for what is none, or is too large."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_BYTES
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        cause = error.args[0] if error.args else error
        said = cause.decode(errors="replace") if isinstance(cause, bytes) else str(cause)
        raise ValueError(said) from error

"""`python -m compatibility FILE [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from compatibility.page import PageError, page
from compatibility.rows import SECTIONS
from compatibility.tests import namings
from taskyard.api import generated

TESTS = Path(__file__).parents[1]
# Where a row may be held: the rest of the tests has nothing to do with that API.
PLACES = ("integration/gateway", "unit/gateway", "unit/core", "integration/controller")


def current() -> str:
    """The page as it has to be. PageError."""
    files = sorted(path for place in PLACES for path in (TESTS / place).rglob("test_*.py"))
    return page(SECTIONS, {path.relative_to(TESTS.parent).as_posix(): [*namings(path.read_text())] for path in files})


def main() -> None:
    """Exit status 1, after what is wrong with it, when the page cannot be made or is not up to date."""
    parser = generated.parser("Write docs/compatibility.md.")
    parser.add_argument("file", type=Path, help="where it goes")
    arguments = parser.parse_args()
    try:
        text = current()
    except PageError as error:
        sys.exit(str(error))
    sys.exit(generated.bring_up_to_date({arguments.file: text}, check=arguments.check))


if __name__ == "__main__":
    main()

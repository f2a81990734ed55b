"""`python -m compatibility FILE [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from compatibility.page import PageError, page
from compatibility.rows import SECTIONS
from compatibility.tests import namings
from taskyard.api import generated

TESTS = Path(__file__).parents[1]
# The folders whose tests may hold a row: the others have nothing to do with that API.
PLACES = ("integration/gateway", "unit/gateway", "unit/core", "integration/controller")


def current() -> str:
    """The up-to-date page. Raises PageError."""
    files = sorted(path for place in PLACES for path in (TESTS / place).rglob("test_*.py"))
    return page(SECTIONS, {path.relative_to(TESTS.parent).as_posix(): [*namings(path.read_text())] for path in files})


def main() -> None:
    """Exits with status 1, after printing what is wrong, when the page cannot be made or is not up to date."""
    parser = generated.parser("Write docs/compatibility.md.")
    parser.add_argument("file", type=Path, help="the file to write or check")
    arguments = parser.parse_args()
    try:
        text = current()
    except PageError as error:
        sys.exit(str(error))
    sys.exit(generated.bring_up_to_date({arguments.file: text}, check=arguments.check))


if __name__ == "__main__":
    main()

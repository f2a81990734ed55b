"""`python -m compatibility FILE [--check]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from compatibility.page import PageError, page
from compatibility.rows import SECTIONS
from compatibility.tests import namings

TESTS = Path(__file__).parents[1]
# Where a row may be held: the rest of the tests has nothing to do with that API.
PLACES = ("integration/gateway", "unit/gateway", "unit/core", "integration/controller")


def current() -> str:
    """The page as it has to be. PageError."""
    files = sorted(path for place in PLACES for path in (TESTS / place).rglob("test_*.py"))
    return page(SECTIONS, {path.relative_to(TESTS.parent).as_posix(): [*namings(path.read_text())] for path in files})


def main() -> None:
    """Exit status 1, after what is wrong with it, when the page cannot be made or is not up to date."""
    parser = argparse.ArgumentParser(prog="python -m compatibility", description="Write docs/compatibility.md.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="only look whether it is up to date")
    options = parser.parse_args()
    try:
        text = current()
    except PageError as error:
        sys.exit(str(error))
    if not options.check:
        options.file.write_text(text)
    elif not options.file.exists() or options.file.read_text() != text:
        sys.exit(f"{options.file} is not up to date: run `make generate`")


if __name__ == "__main__":
    main()

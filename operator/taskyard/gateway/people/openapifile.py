"""The OpenAPI document as a file: `python -m taskyard.gateway.people.openapifile <file> [--check]`."""

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from taskyard.gateway.metrics import Metrics
from taskyard.gateway.people import openapi
from taskyard.gateway.people.app import people_app
from taskyard.gateway.people.context import People


def document() -> dict[str, Any]:
    """The document of the routes as they are."""
    # No route is called: what they would work with is not there.
    nothing = cast(People, SimpleNamespace(stopping=None))
    return openapi.document(people_app(nothing, Metrics()))


def main() -> int:
    """Write the document, or with --check tell that it is out of date."""
    parser = argparse.ArgumentParser(description="Write the OpenAPI document of the REST API.")
    parser.add_argument("file", type=Path, help="where it goes")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the file is out of date")
    arguments = parser.parse_args()
    text, path = openapi.text(document()), arguments.file
    if path.exists() and path.read_text() == text:
        return 0
    if arguments.check:
        print(f"out of date: {path}; run `make generate`", file=sys.stderr)
        return 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The OpenAPI document as a file: `python -m taskyard.gateway.rest.openapi_file <file> [--check]`."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from taskyard.api import generated
from taskyard.gateway.audit.middleware import AuditLog
from taskyard.gateway.metrics import Metrics
from taskyard.gateway.rest.app import rest_app
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.openapi import document as openapi_document


def document() -> dict[str, Any]:
    """The OpenAPI document of the current routes."""
    # No route is called, so none of them needs a real context.
    audit = AuditLog(None, left_out=lambda: None, now=lambda: datetime.now(UTC), monotonic=time.monotonic)
    parts = {"stopping": None, "monotonic": time.monotonic, "metrics": Metrics(), "audit": audit}
    nothing = cast(RestContext, SimpleNamespace(**parts))
    return openapi_document.document(rest_app(nothing))


def main() -> int:
    """Write the document or, with --check, report that it is out of date."""
    parser = generated.parser("Write the OpenAPI document of the REST API.")
    parser.add_argument("file", type=Path, help="the file to write")
    arguments = parser.parse_args()
    return generated.bring_up_to_date({arguments.file: openapi_document.text(document())}, check=arguments.check)


if __name__ == "__main__":
    sys.exit(main())

"""The schema of the audit log's lines as a file: `python -m taskyard.gateway.audit.schema_file <file> [--check]`."""

import json
import sys
from pathlib import Path
from typing import Any

from taskyard.api import generated
from taskyard.gateway.audit.line import Line

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The JSON Schema of a line."""
    return {"$schema": DIALECT, **Line.model_json_schema(mode="serialization")}


def main() -> int:
    """Write the schema or, with --check, report that it is out of date."""
    parser = generated.parser("Write the JSON Schema of the gateway's audit log.")
    parser.add_argument("file", type=Path, help="the file to write")
    arguments = parser.parse_args()
    text = json.dumps(schema(), indent=1) + "\n"
    return generated.bring_up_to_date({arguments.file: text}, check=arguments.check)


if __name__ == "__main__":
    sys.exit(main())

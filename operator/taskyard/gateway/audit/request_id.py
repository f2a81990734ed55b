"""The identifier of a request, by which its line, its answer and the API server's audit log are found together."""

import re
import uuid

HEADER = "X-Request-Id"

# As in the schema of a line; Kubernetes shortens an Audit-ID of more than 64 characters in what it logs.
_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_id(given: str, *, secrets: str = "") -> str:
    """The id that the caller gave, if it is a plain word of 8 to 64 characters and no part of the request's `secrets`;
    else a new one."""
    return given if _SANE.fullmatch(given) and given not in secrets else str(uuid.uuid4())

"""The key that identifies a repeated request."""

import hashlib
import json
import secrets

from fastapi import Request

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.access.authentication import Person

_MAX_KEY_CHARACTERS = 200


def idempotency_key(request: Request, person: Person) -> str:
    """The key under which a message is sent: a sidecar accepts only one message for each. A key from the request counts
    only for its caller. Raises HttpError 400 for an invalid one."""
    given = request.headers.get("idempotency-key", "")
    if not given:
        return f"send/{secrets.token_hex(16)}"
    if len(given) > _MAX_KEY_CHARACTERS or not given.isascii() or not given.isprintable():
        raise HttpError(
            400, "Invalid Idempotency-Key.", detail=f"At most {_MAX_KEY_CHARACTERS} printable ASCII characters."
        )
    whose = json.dumps([person.user.username, person.user.uid, given])
    return f"send/{hashlib.sha256(whose.encode()).hexdigest()}"

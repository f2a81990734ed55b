"""The key by which a repeated request is known."""

import hashlib
import json
import secrets

from fastapi import Request

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.access.authentication import Person

_MAX_KEY_CHARACTERS = 200


def idempotency_key(request: Request, person: Person) -> str:
    """The sidecar takes a message once for each key. A caller's own key counts for that caller alone."""
    given = request.headers.get("idempotency-key", "")
    if not given:
        return f"send/{secrets.token_hex(16)}"
    if len(given) > _MAX_KEY_CHARACTERS or not given.isascii() or not given.isprintable():
        raise HttpError(
            400, "Invalid Idempotency-Key.", detail=f"At most {_MAX_KEY_CHARACTERS} printable ASCII characters."
        )
    whose = json.dumps([person.user.username, person.user.uid, given])
    return f"send/{hashlib.sha256(whose.encode()).hexdigest()}"

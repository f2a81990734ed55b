"""Errors as every route answers them: `{message, detail?, validations?: [{field, detail}]}`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse


class HttpError(Exception):
    """An answer that is no success: HTTP status, message for people, and what may help to mend it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        detail: str = "",
        validations: Sequence[Mapping[str, str]] = (),
        retry_after: float | None = None,
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail
        self.validations = validations
        self.retry_after = retry_after
        self.close = close

    def response(self) -> JSONResponse:
        """The answer; `Retry-After` in whole seconds, at least 1."""
        body: dict[str, Any] = {"message": self.message}
        if self.detail:
            body["detail"] = self.detail
        if self.validations:
            body["validations"] = [dict(validation) for validation in self.validations]
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        if self.close:
            # The rest of the body is not wanted, so the connection cannot be used again.
            headers["Connection"] = "close"
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(body, status_code=self.status, headers=headers)

"""Why a notification could not be sent."""

from __future__ import annotations


class DeliveryError(Exception):
    """`reason` is the one of the sink's condition Ready, `message` names cause and remedy and holds no secret.
    `retry_after` are the seconds that the receiver asked for, if any."""

    def __init__(self, reason: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

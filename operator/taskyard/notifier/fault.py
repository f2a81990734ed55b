"""Why a notification could not be sent."""

from __future__ import annotations

# A receiver that answers so has looked at the message and does not take this one: bad request, conflict, content too
# large, unprocessable content. Others may be taken. Every other answer is about the address, or about all messages.
OF_THE_MESSAGE = (400, 409, 413, 422)


class DeliveryError(Exception):
    """`reason` is the one of the sink's condition Ready, `message` names cause and remedy and holds no secret.
    `retry_after` are the seconds that the receiver asked for, if any. `is_of_message`: it is this message that is not
    taken, and others may be."""

    def __init__(
        self, reason: str, message: str, *, retry_after: float | None = None, is_of_message: bool = False
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.is_of_message = is_of_message

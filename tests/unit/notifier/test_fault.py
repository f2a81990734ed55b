"""Why a notification could not be sent."""

from __future__ import annotations

from taskyard.notifier.fault import DeliveryError


def test_it_has_a_reason_for_programs_and_a_message_for_people() -> None:
    error = DeliveryError("SecretMissing", "there is no Secret", retry_after=7)
    assert (error.reason, error.message, str(error), error.retry_after) == (
        "SecretMissing",
        "there is no Secret",
        "there is no Secret",
        7,
    )
    assert DeliveryError("SecretMissing", "there is no Secret").retry_after is None

"""Which of a claim's Events tells why it has no volume. All are for K4."""

from __future__ import annotations

import pytest

from taskyard.core.claim_cause import claim_cause
from taskyard.core.start_cause import EventView
from unit.core.builders import at


def event(reason: str, note: str = "why", type: str = "Warning", *, seconds: float = 0) -> EventView:
    return EventView(type, reason, note, at(seconds))


EXTERNAL = event("ExternalProvisioning", "Waiting for a volume to be created by the external provisioner", "Normal")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], None, id="none"),
        pytest.param([event("WaitForFirstConsumer", type="Normal")], None, id="it waits for its Pod's node"),
        pytest.param([event("Provisioning", type="Normal")], None, id="it is being made"),
        pytest.param([event("ProvisioningFailed")], "ProvisioningFailed", id="it fails"),
        pytest.param(
            [event("ProvisioningFailed"), event("Provisioning", type="Normal", seconds=5)],
            "ProvisioningFailed",
            id="each try begins anew",
        ),
        pytest.param([event("FailedBinding", type="Normal")], "FailedBinding", id="no StorageClass at all"),
        pytest.param([EXTERNAL], "ExternalProvisioning", id="a provisioner that does not run"),
        pytest.param([EXTERNAL, event("ProvisioningFailed", seconds=-60)], "ProvisioningFailed", id="one that fails"),
        pytest.param([event("VolumeMismatch")], "VolumeMismatch", id="any other warning"),
        pytest.param([event("ProvisioningFailed", seconds=-901)], None, id="long over"),
        pytest.param(
            [event("ProvisioningFailed", "context deadline exceeded", seconds=5), event("VolumeMismatch")],
            "VolumeMismatch",
            id="a vague one after one that tells",
        ),
    ],
)
def test_the_fault_among_a_claims_events(events: list[EventView], expected: str | None) -> None:
    found = claim_cause(events, now=at(0))
    assert (found.reason if found else None) == expected

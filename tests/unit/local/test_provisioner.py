"""Which claims get a volume, and which volumes are removed."""

from pathlib import Path
from typing import Any

import pytest

from localcluster import provisioner


def _claim(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "team", "name": "home", "uid": "u-1"},
        "spec": {
            "storageClassName": "standard",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
        "status": {"phase": "Pending"},
    }


def test_a_waiting_claim_gets_a_volume_bound_to_it_alone() -> None:
    volume = provisioner.volume_for(_claim(), Path("/claims"))
    assert volume is not None
    assert volume["spec"]["hostPath"]["path"] == "/claims/pvc-u-1"
    assert volume["spec"]["claimRef"]["uid"] == "u-1"
    assert volume["spec"]["capacity"] == {"storage": "1Gi"}


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(_claim(storageClassName="fast"), id="of another class"),
        pytest.param(_claim(volumeName="pv-7"), id="that names its volume"),
        pytest.param({**_claim(), "status": {"phase": "Bound"}}, id="that is bound"),
        pytest.param(
            {**_claim(), "metadata": {**_claim()["metadata"], "deletionTimestamp": "now"}}, id="that is being deleted"
        ),
    ],
)
def test_no_volume_is_made_for_a_claim(claim: dict[str, Any]) -> None:
    assert provisioner.volume_for(claim, Path("/claims")) is None


@pytest.mark.parametrize(
    ("phase", "by", "goes"),
    [
        pytest.param("Released", "taskyard.dev/local-directory", True, id="ours, claim gone"),
        pytest.param("Bound", "taskyard.dev/local-directory", False, id="ours, in use"),
        pytest.param("Released", "someone.else/x", False, id="another's"),
    ],
)
def test_a_volume_is_removed_when_it_is_ours_and_released(phase: str, by: str, goes: bool) -> None:
    volume = {
        "metadata": {"name": "pvc-u-1", "annotations": {"pv.kubernetes.io/provisioned-by": by}},
        "spec": {"persistentVolumeReclaimPolicy": "Delete"},
        "status": {"phase": phase},
    }
    assert provisioner.is_to_be_removed(volume) is goes

"""What helps a Pod that gets no node."""

import pytest

from taskyard.core.unscheduled import remedy


@pytest.mark.parametrize(
    ("cause", "helps"),
    [
        pytest.param("0/1 nodes are available: 1 Insufficient memory.", "add a node that fits", id="no room"),
        pytest.param("the scheduler gave no reason", "add a node that fits", id="unknown"),
        pytest.param(
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
            "kubectl describe pvc -n team",
            id="its StorageClass does not exist",
        ),
        pytest.param('persistentvolumeclaim "data" not found', "kubectl describe pvc -n team", id="no such claim"),
        pytest.param(
            "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind.",
            "kubectl describe pvc",
            id="no volume to bind",
        ),
        pytest.param(
            "0/3 nodes are available: 3 node(s) had volume node affinity conflict.", "add a node", id="another zone"
        ),
    ],
)
def test_what_helps(cause: str, helps: str) -> None:
    assert helps in remedy(cause, namespace="team")

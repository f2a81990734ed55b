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
        pytest.param(
            "0/3 nodes are available: 3 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s).",
            "kubectl describe pvc",
            id="the volume is gone",
        ),
        pytest.param(
            'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
            "kubectl describe pvc",
            id="the volume is not made in time",
        ),
        pytest.param(
            "0/3 nodes are available: 3 node(s) had untolerated taint {cloud.google.com/gke-provisioning: spot}. "
            "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
            "add a node",
            id="a taint of GKE",
        ),
        pytest.param(
            "0/1 nodes are available: 1 node(s) had untolerated taint {karpenter.sh/provisioner-name: gpu}",
            "add a node",
            id="a taint of Karpenter",
        ),
        pytest.param(
            "0/1 nodes are available: 1 node(s) had untolerated taint {example.com/for: persistentvolumeclaim}",
            "add a node",
            id="a taint whose value is a claim's kind",
        ),
        pytest.param("0/1 nodes are available: 1 Insufficient example.com/pvc.", "add a node", id="a resource's name"),
    ],
)
def test_what_helps(cause: str, helps: str) -> None:
    assert helps in remedy(cause, namespace="team")

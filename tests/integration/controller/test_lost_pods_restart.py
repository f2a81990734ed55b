"""What is known of a lost Pod after a restart of the operator.

A file of its own: an operator that runs for all tests of a file would see the Pod's end too.
"""

from __future__ import annotations

import manifests
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_lost_pods import TASK, become_active, evict, kept
from kube import Kube


def test_what_an_operator_kept_outlives_it(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    """K11"""
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task(TASK))
    operator.start()
    become_active(kube, kubelet, namespace, 1)
    operator.kill()
    operator.wait_dead()
    evict(kube, namespace, f"{TASK}-1")
    operator.start()
    assert kept(kube, namespace, 1)["reason"] == "EvictionByEvictionAPI"
    operator.kill()
    operator.wait_dead()
    kubelet.remove(f"{TASK}-1")
    operator.start()
    become_active(kube, kubelet, namespace, 2)
    assert kept(kube, namespace, 1)["reason"] == "EvictionByEvictionAPI"

    operator.kill()
    operator.wait_dead()
    evict(kube, namespace, f"{TASK}-2")
    kubelet.remove(f"{TASK}-2")
    kube.wait_gone("pods", namespace, f"{TASK}-2", seconds=5)
    operator.start()
    end = kept(kube, namespace, 2)
    assert end["reason"] == "Unknown", "nobody saw it, so it counts"
    assert end["activeAt"]
    assert "Traceback" not in operator.log

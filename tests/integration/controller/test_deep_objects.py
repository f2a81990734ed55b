"""Objects nested so deeply that a decoder gives up, against a real API server."""

from __future__ import annotations

from pathlib import Path

import manifests
from integration.controller.operatorprocess import OperatorProcess
from kube import Kube, Object


def nested(depth: int) -> Object:
    """A template version with a field of its Pod nested that deeply: the API server takes it."""
    version = manifests.template_version("deep")
    inner: Object = {}
    for _ in range(depth):
        inner = {"a": inner}
    version["spec"]["pod"]["spec"]["unheardOf"] = inner
    return version


def test_a_deep_object_keeps_the_operator_from_nothing_else(
    kube: Kube, kubeconfig: Path, namespace: str, tmp_path: Path
) -> None:
    """Neither one that is there at the start nor one that comes later."""
    other = kube.create_namespace()
    kube.create("templateversions", other, manifests.template_version())
    kube.create("templateversions", namespace, nested(900))
    operator = OperatorProcess(kubeconfig, tmp_path, namespace=namespace, TASKYARD_LEADER_ELECTION="false")
    operator.start()
    try:
        operator.wait_ready()
        kube.patch("templateversions", namespace, "deep", {"metadata": {"labels": {"news": "yes"}}})
        kube.create("tasks", other, manifests.task())
        kube.wait("its Pod is made", "pods", other, "hello-1", lambda pod: True)
        assert "kopf's watches ended" not in operator.log
        assert "templateversions" in operator.log and "cannot be read" in operator.log, operator.log
    finally:
        operator.kill()
        kube.delete("templateversions", namespace, "deep")

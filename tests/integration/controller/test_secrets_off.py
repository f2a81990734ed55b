"""An operator with secret parameters disabled. It is in a separate file, since no other operator may run in
parallel."""

from __future__ import annotations

from pathlib import Path

import manifests
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_templates import NAMES_SECRET, TOKEN, assert_nothing_began, wait_reason
from kube import Kube, condition


def test_when_secret_parameters_are_disabled_none_is_used(
    kube: Kube, kubeconfig: Path, tmp_path: Path, namespace: str
) -> None:
    operator = OperatorProcess(kubeconfig, tmp_path, namespace=namespace, TASKYARD_SECRET_PARAMETERS="false")
    operator.start()
    try:
        kube.create("secrets", namespace, manifests.secret())
        kube.create("templateversions", namespace, manifests.template_version(parameters=[TOKEN]))
        kube.create("tasks", namespace, manifests.task(parameters=[NAMES_SECRET]))
        task = wait_reason(kube, namespace, "SecretParametersOff")
        assert "secretParameters.enabled" in condition(task, "Ready")["message"]
        assert_nothing_began(kube, namespace)
    finally:
        operator.kill()
        operator.wait_dead()

"""The local cluster with Taskyard, as `make cluster` starts it, and a namespace with restricted Pod Security.

These tests refuse any other cluster. A cluster that they had to start is stopped after them. Several processes may run
them at the same time; a test marked `alone` then has the cluster to itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import yaml

import manifests
from auditrun import RUN
from e2e import audit_lines, sharing, tier
from e2e.kubectl_namespace import KubectlNamespace
from e2e.pod_loss import PodLoss
from e2e.versions import version
from kube import Kube
from localcluster import cluster, install, locations, target

_FOLDER = Path(__file__).parent
_EXAMPLE = locations.REPOSITORY / "deploy" / "examples" / "01-shell"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if str(item.path).startswith(f"{_FOLDER}/"):
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    # The hook is called for the tests of all folders.
    if item.get_closest_marker("e2e") is None or tier.unable():
        return (yield)
    with sharing.turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session")
def installation() -> Iterator[Path]:
    """The kubeconfig of the local cluster, with Taskyard installed from this tree. At the end no line of its gateways
    has a prompt, a message, a token or the value of a Secret that these tests have used."""
    reason = tier.unable()
    if reason:
        tier.give_up(reason)
    with sharing.starting():
        use = sharing.Use(found_running=cluster.status().state == "ready")
    try:
        with sharing.starting(), tier.steps():
            place = target.chosen({})
            install.install(place, target.bring_up(place), values=tier.VALUES)
        with RUN.searching():
            yield locations.KUBECONFIG
            wrong = RUN.faults(audit_lines.output(locations.KUBECONFIG))
            assert not wrong, "\n".join(wrong)
    finally:
        with sharing.starting():
            if use.end():
                cluster.down()


@pytest.fixture(scope="session")
def kube(installation: Path) -> Iterator[Kube]:
    client = Kube(installation)
    yield client
    client.close()


@pytest.fixture
def ns(installation: Path, kube: Kube) -> Iterator[KubectlNamespace]:
    """kubectl in the test's own namespace, which enforces restricted Pod Security."""
    ns = KubectlNamespace(installation, kube, f"e2e-{uuid.uuid4().hex[:8]}")
    ns.create()
    yield ns
    ns.remove()


@pytest.fixture
def shell(ns: KubectlNamespace) -> KubectlNamespace:
    """The example's template version and Task, in the test's namespace."""
    for name in ("templateversion.yaml", "task.yaml"):
        manifest = yaml.safe_load((_EXAMPLE / name).read_text())
        del manifest["metadata"]["namespace"]
        ns.apply(manifest)
    return ns


@pytest.fixture(scope="session")
def pod_loss(installation: Path, kube: Kube) -> Iterator[PodLoss]:
    """A Task whose Pods are lost from now on, in parallel to the tests."""
    ns = KubectlNamespace(installation, kube, f"e2e-{uuid.uuid4().hex[:8]}")
    ns.create()
    ns.apply(version("shell-v1", agent={"command": ["cat"]}), manifests.task(prompt=""))
    pod_loss = PodLoss(ns)
    pod_loss.start()
    yield pod_loss
    pod_loss.end()
    ns.remove()

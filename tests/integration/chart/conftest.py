"""The API server under test as a place to install the chart to."""

from pathlib import Path

import pytest

from integration.chart.installation import NAMESPACE, Cluster


@pytest.fixture(scope="module")
def cluster(kubeconfig: Path) -> Cluster:
    """With the installation's namespace, and without the chart."""
    cluster = Cluster(kubeconfig)
    cluster.kubectl("create", "namespace", NAMESPACE)
    return cluster

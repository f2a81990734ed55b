"""The local cluster with Taskyard, and the test's own namespace, as in the e2e tier."""

from e2e.conftest import installation, kube, ns, pytest_runtest_protocol

__all__ = ["installation", "kube", "ns", "pytest_runtest_protocol"]

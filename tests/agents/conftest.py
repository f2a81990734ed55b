"""The local cluster with Taskyard in it, and a namespace of the test's own, as the e2e tier has them."""

from e2e.conftest import installation, kube, ns, pytest_runtest_protocol

__all__ = ["installation", "kube", "ns", "pytest_runtest_protocol"]

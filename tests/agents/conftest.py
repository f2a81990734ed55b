"""The local cluster with Taskyard in it, and a namespace of the test's own, as the e2e tier has them."""

from e2e.conftest import installation, kube, pytest_runtest_protocol, yard

__all__ = ["installation", "kube", "pytest_runtest_protocol", "yard"]

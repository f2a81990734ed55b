"""Quotas and LimitRanges in an API server without a controller-manager: a test counts what is used itself."""

from __future__ import annotations

import time

from kube import WAIT_SECONDS, Kube, Object


def put_quota(kube: Kube, namespace: str, hard: dict[str, str], *, used: str = "0", name: str = "few") -> None:
    """Creates a ResourceQuota, or changes it, as if `used` of each resource had been counted."""
    path = kube.path("resourcequotas", namespace, name)
    if kube.find(path) is None:
        kube.create("resourcequotas", namespace, {"metadata": {"name": name}, "spec": {"hard": hard}})
    else:
        kube.patch("resourcequotas", namespace, name, {"spec": {"hard": hard}})
    status = {"hard": hard, "used": dict.fromkeys(hard, used)}
    kube.patch("resourcequotas", namespace, name, {"status": status}, subresource="status")


def put_limit_range(kube: Kube, namespace: str, **limits: object) -> None:
    """Creates a LimitRange with one item."""
    manifest = {"metadata": {"name": "limits"}, "spec": {"limits": [limits]}}
    kube.create("limitranges", namespace, manifest)


def wait_refused(kube: Kube, plural: str, namespace: str, manifest: Object, says: str) -> None:
    """Returns once the API server refuses to create an object: it learns of quotas and LimitRanges by a watch."""
    path, end = kube.path(plural, namespace) + "?dryRun=All", time.monotonic() + WAIT_SECONDS
    while True:
        try:
            if says in kube.refusal("POST", path, manifest):
                return
        except AssertionError:
            assert time.monotonic() < end, f"{plural} are not refused"
        time.sleep(0.05)

"""Policies of the cluster that deny the removal of objects, that they get an owner, or what becomes of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from kube import WAIT_SECONDS, Kube, Object

API = "/apis/admissionregistration.k8s.io/v1"


OPTIONS = {"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]}
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"}


def kept(kube: Kube, namespace: str, plural: str, name: str) -> AbstractContextManager[None]:
    """While a policy denies that objects of a kind of ours are deleted; `name` is one of them."""
    return _denied(kube, namespace, ("taskyard.dev", plural, "DELETE"), "false", ("DELETE", name, OPTIONS))


def unowned(kube: Kube, namespace: str, plural: str, name: str) -> AbstractContextManager[None]:
    """While a policy denies that objects of a core kind get an owner; `name` is one without."""
    probe = ("PATCH", f"{name}?dryRun=All", {"metadata": {"ownerReferences": [OWNER]}})
    return _denied(kube, namespace, ("", plural, "UPDATE"), "!has(object.metadata.ownerReferences)", probe)


def unwritten(kube: Kube, namespace: str, plural: str, name: str, *, allowed: str) -> AbstractContextManager[None]:
    """While a policy denies what is written into the status of objects of a kind of ours, except where `allowed`, an
    expression, holds; `name` is one of which it does not."""
    probe = ("PATCH", f"{name}/status?dryRun=All", {"status": {"message": "x"}})
    return _denied(kube, namespace, ("taskyard.dev", f"{plural}/status", "UPDATE"), allowed, probe)


@contextmanager
def _denied(
    kube: Kube, namespace: str, what: tuple[str, str, str], allowed: str, probe: tuple[str, str, Object]
) -> Iterator[None]:
    """`what`: group, plural and operation; `probe`: a request that the policy denies."""
    policy = f"deny-{uuid.uuid4().hex[:10]}"
    group, plural, operation = what
    rule = {"apiGroups": [group], "apiVersions": ["*"], "operations": [operation], "resources": [plural]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    spec = {
        "matchConstraints": {"namespaceSelector": here, "resourceRules": [rule]},
        "validations": [{"expression": allowed, "message": "it is kept for the audit", "reason": "Forbidden"}],
    }
    kube.request("POST", f"{API}/validatingadmissionpolicies", {"metadata": {"name": policy}, "spec": spec})
    binding = {"metadata": {"name": policy}, "spec": {"policyName": policy, "validationActions": ["Deny"]}}
    kube.request("POST", f"{API}/validatingadmissionpolicybindings", binding)
    method, name, body = probe
    plural = plural.partition("/")[0]
    path, end = kube.path(plural, namespace, name), time.monotonic() + WAIT_SECONDS
    try:
        while True:
            try:
                assert "kept for the audit" in kube.refusal(method, path, body)
                break
            except AssertionError:
                assert time.monotonic() < end, "it is not denied"
            time.sleep(0.05)
        yield
    finally:
        kube.request("DELETE", f"{API}/validatingadmissionpolicybindings/{policy}")
        kube.request("DELETE", f"{API}/validatingadmissionpolicies/{policy}")

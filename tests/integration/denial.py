"""Policies of the cluster that deny the removal of objects."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from kube import WAIT_SECONDS, Kube

API = "/apis/admissionregistration.k8s.io/v1"


@contextmanager
def kept(kube: Kube, namespace: str, plural: str, name: str) -> Iterator[None]:
    """While a policy denies that objects of a kind are deleted; `name` is one of them."""
    policy = f"keep-{uuid.uuid4().hex[:10]}"
    rule = {"apiGroups": ["taskyard.dev"], "apiVersions": ["*"], "operations": ["DELETE"], "resources": [plural]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    spec = {
        "matchConstraints": {"namespaceSelector": here, "resourceRules": [rule]},
        "validations": [{"expression": "false", "message": "it is kept for the audit", "reason": "Forbidden"}],
    }
    kube.request("POST", f"{API}/validatingadmissionpolicies", {"metadata": {"name": policy}, "spec": spec})
    binding = {"metadata": {"name": policy}, "spec": {"policyName": policy, "validationActions": ["Deny"]}}
    kube.request("POST", f"{API}/validatingadmissionpolicybindings", binding)
    path, end = kube.path(plural, namespace, name), time.monotonic() + WAIT_SECONDS
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]}
    try:
        while True:
            try:
                assert "kept for the audit" in kube.refusal("DELETE", path, options)
                break
            except AssertionError:
                assert time.monotonic() < end, "it may be deleted"
            time.sleep(0.05)
        yield
    finally:
        kube.request("DELETE", f"{API}/validatingadmissionpolicybindings/{policy}")
        kube.request("DELETE", f"{API}/validatingadmissionpolicies/{policy}")

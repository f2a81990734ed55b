"""The API server's words about a dry run's Pod, as the author of the version understands them."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core import template_version_dry_run, template_version_words
from taskyard.core.template_version_words import NAME, Words
from unit.core.builders import installation, template_version

POD: dict[str, Any] = {
    "spec": {
        "initContainers": [{"name": "setup", "image": "busybox"}],
        "containers": [
            {
                "name": "agent",
                "image": "debian",
                "command": ["bash"],
                "env": [{"name": "CODER_TASK_ID", "value": "x"}, {"name": "A"}, {"name": "B"}, {"name": "A"}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            },
            {"name": "helper", "image": "busybox", "env": [{"name": "CODER_TASK_ID"}]},
        ],
        "volumes": [{"name": "data", "emptyDir": {}}],
        "imagePullSecrets": [{"name": "regcred"}],
        "tolerations": [{"key": "a"}],
    }
}


def words() -> Words:
    version = template_version(pod=POD)
    made = template_version_dry_run.probe(
        version, installation(image_pull_secrets=("regcred",)), namespace="team", uid="u", now="2026-01-31T12:00:00Z"
    )
    return Words(version.pod, made)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("spec.containers[0].imagePulPolicy", "spec.pod.spec.containers[0].imagePulPolicy"),
        ("spec.containers[1].x", "spec.pod.spec.containers[1].x"),
        ("spec.initContainers[1].x", "spec.pod.spec.initContainers[0].x"),
        ("spec.initContainers[0].restartPolicy", None),
        ("spec.containers[0].env[0].x", "spec.pod.spec.containers[0].env[1].x"),
        ("spec.containers[0].env[2].x", "spec.pod.spec.containers[0].env[3].x"),
        ("spec.containers[0].env[3].value", None),
        ("spec.containers[1].env[0].x", "spec.pod.spec.containers[1].env[0].x"),
        ("spec.containers[0].volumeMounts[0].x", "spec.pod.spec.containers[0].volumeMounts[0].x"),
        ("spec.containers[0].volumeMounts[1].x", None),
        ("spec.volumes[0].x", "spec.pod.spec.volumes[0].x"),
        ("spec.volumes[1].x", None),
        ("spec.imagePullSecrets[0].x", "spec.pod.spec.imagePullSecrets[0].x"),
        ("spec.imagePullSecrets[1].x", None),
        ("spec.tolerations[0].x", "spec.pod.spec.tolerations[0].x"),
        ("spec.tolerations[7].x", "spec.pod.spec.tolerations[7].x"),
        ("spec.nodeSelector[beta.kubernetes.io/os]", "spec.pod.spec.nodeSelector[beta.kubernetes.io/os]"),
        ("spec.strange[", "spec.pod.spec.strange["),
        ("metadata.annotations[a/b]", "spec.pod.metadata.annotations[a/b]"),
    ],
)
def test_paths(path: str, expected: str | None) -> None:
    assert words().path(path) == expected
    told = None if expected is None else f'unknown field "{expected}"'
    assert words().warning(f'unknown field "{path}"') == told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f'Pod "{NAME}" is invalid: [spec.initContainers[1].image: Required value, spec.volumes[0].x: Invalid '
            'value: "spec.volumes[0]": no]',
            "the Pod is invalid: [spec.pod.spec.initContainers[0].image: Required value, spec.pod.spec.volumes[0].x: "
            'Invalid value: "spec.volumes[0]": no]',
            id="several, and a value",
        ),
        pytest.param(
            f'pods "{NAME}" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true)',
            'the Pod is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true)',
            id="forbidden",
        ),
        pytest.param(
            f'admission webhook "x" denied the request: {NAME} uses claim {NAME}-home, and spec.nodeName is set.',
            'admission webhook "x" denied the request: TASK uses claim TASK-home, and spec.pod.spec.nodeName is set.',
            id="a webhook's own words",
        ),
        pytest.param(
            f'Pod "{NAME}" is invalid: spec.initContainers[0].resources.requests: Invalid value: "1"',
            'the Pod is invalid: spec.initContainers[0].resources.requests: Invalid value: "1"',
            id="the sidecar",
        ),
    ],
)
def test_refusals(text: str, expected: str) -> None:
    assert words().text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("spec.volumes[2]: deprecated since v1", None, id="of Taskyard's own part"),
        pytest.param("spec.volumes[0]: deprecated since v1", "spec.pod.spec.volumes[0]: deprecated since v1", id="own"),
        pytest.param("be careful", "be careful", id="of nothing"),
        pytest.param('duplicate field "spec.hostPID"', 'duplicate field "spec.pod.spec.hostPID"', id="duplicate"),
    ],
)
def test_warnings(text: str, expected: str | None) -> None:
    assert words().warning(text) == expected


def test_fields_that_are_not_sent_are_unknown_too() -> None:
    pod = {"spec": {}, "metadata": {"labels": {}, "name": "x", "labls": {}}, "kind": "Pod"}
    assert template_version_words.unsent(pod) == [
        'unknown field "spec.pod.kind"',
        'unknown field "spec.pod.metadata.labls"',
    ]
    assert template_version_words.unsent(POD) == []

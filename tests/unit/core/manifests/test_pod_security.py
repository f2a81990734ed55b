"""The security context of a Task's Pod: hardened, unless the template says otherwise."""

from __future__ import annotations

import pytest

from taskyard.core.manifests import pod
from unit.core.builders import Manifest
from unit.core.podmaking import AGENT, container, made


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            {},
            {
                "seccompProfile": {"type": "RuntimeDefault"},
                "fsGroup": 1000,
                "fsGroupChangePolicy": "OnRootMismatch",
                "runAsNonRoot": True,
            },
            id="defaults",
        ),
        pytest.param(
            {"runAsUser": 1234, "runAsGroup": 1234},
            {
                "runAsUser": 1234,
                "runAsGroup": 1234,
                "seccompProfile": {"type": "RuntimeDefault"},
                "fsGroup": 1234,
                "fsGroupChangePolicy": "OnRootMismatch",
                "runAsNonRoot": True,
            },
            id="a user and group of its own",
        ),
        pytest.param(
            {"runAsUser": 0},
            {
                "runAsUser": 0,
                "seccompProfile": {"type": "RuntimeDefault"},
                "fsGroup": 1000,
                "fsGroupChangePolicy": "OnRootMismatch",
            },
            id="root: nothing forbids it here",
        ),
        pytest.param(
            {
                "seccompProfile": {"type": "Unconfined"},
                "fsGroup": 5,
                "fsGroupChangePolicy": "Always",
                "runAsNonRoot": False,
                "supplementalGroups": [7],
            },
            {
                "seccompProfile": {"type": "Unconfined"},
                "fsGroup": 5,
                "fsGroupChangePolicy": "Always",
                "runAsNonRoot": False,
                "supplementalGroups": [7],
            },
            id="the template's own setting wins",
        ),
    ],
)
def test_pod_security(given: Manifest, expected: Manifest) -> None:
    assert made({"securityContext": given})["spec"]["securityContext"] == expected


@pytest.mark.parametrize(
    ("given", "of_pod", "expected"),
    [
        pytest.param({}, {}, {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}, id="defaults"),
        pytest.param(
            {"allowPrivilegeEscalation": True, "readOnlyRootFilesystem": True, "runAsUser": 7},
            {},
            {
                "allowPrivilegeEscalation": True,
                "readOnlyRootFilesystem": True,
                "runAsUser": 7,
                "capabilities": {"drop": ["ALL"]},
            },
            id="the template's own setting wins",
        ),
        pytest.param(
            {"privileged": True},
            {},
            {"privileged": True, "capabilities": {"drop": ["ALL"]}},
            id="privileged goes without the rest",
        ),
        pytest.param(
            {"runAsUser": 0},
            {"runAsNonRoot": True},
            {
                "runAsUser": 0,
                "runAsNonRoot": False,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
            id="a root container in a Pod that is not",
        ),
        pytest.param(
            {"capabilities": {"add": ["CHOWN", "NET_RAW", "CAP_NET_RAW", "net_raw", "Cap_Net_Raw"]}},
            {},
            {"allowPrivilegeEscalation": False, "capabilities": {"add": ["CHOWN"], "drop": ["NET_RAW"]}},
            id="never raw sockets, asked for or not",
        ),
        pytest.param(
            {"capabilities": {}},
            {},
            {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["NET_RAW"]}},
            id="the runtime's default capabilities, less raw sockets",
        ),
        pytest.param(
            {"capabilities": {"drop": ["MKNOD"]}},
            {},
            {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["MKNOD", "NET_RAW"]}},
            id="some dropped, and raw sockets too",
        ),
        pytest.param(
            {"capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}},
            {},
            {"allowPrivilegeEscalation": False, "capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}},
            id="all dropped but one",
        ),
    ],
)
def test_container_security(given: Manifest, of_pod: Manifest, expected: Manifest) -> None:
    assert pod.container_security(given, pod=of_pod) == expected


def test_every_container_of_the_template_is_hardened() -> None:
    manifest = made(
        {"initContainers": [{"name": "setup", "image": "x"}], "containers": [AGENT, {"name": "db", "image": "y"}]}
    )
    for name in ("setup", "agent", "db"):
        assert container(manifest, name)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }


def test_a_root_agent_runs_as_root() -> None:
    manifest = made({"securityContext": {"runAsNonRoot": True}}, agent={"securityContext": {"runAsUser": 0}})
    assert container(manifest, "agent")["securityContext"]["runAsNonRoot"] is False

"""What an installation sets for every Task's Pod."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Installation:
    """Settings of the chart that end up in Pods. `ca_certificate` is the PEM of the installation's own authority;
    `hook_key` is new with each Pod: it distinguishes the kubelet's hook from other callers of the sidecar's plain port.
    """

    gateway_url: str
    ca_certificate: str
    sidecar_image: str
    sidecar_image_pull_policy: str = "IfNotPresent"
    sidecar_resources: dict[str, Any] = field(default_factory=dict)
    image_pull_secrets: tuple[str, ...] = ()
    hook_key: str = field(default="", repr=False)

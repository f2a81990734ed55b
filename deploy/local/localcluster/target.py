"""The cluster to install into: the local one, or with ``TASKYARD_CLUSTER=current`` that of the kubeconfig.

``TASKYARD_IMAGE`` names an image of Taskyard that the cluster has or can pull; nothing is built then.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localcluster import cluster, current, images, locations, programs, progress
from localcluster.kubectl import Kubectl

_CHOOSING = "choosing the cluster"


@dataclass(frozen=True)
class Target:
    """``environment`` selects the cluster for kubectl and helm; ``image`` is the requested one, if any."""

    is_local: bool
    environment: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None

    def kubectl(self, log: str) -> Kubectl:
        """kubectl for this cluster; ``log`` is the name of its log file."""
        return Kubectl(programs.kubectl(), self.environment, folder=locations.REPOSITORY, log=locations.LOGS / log)

    def helm(self) -> Path:
        """The helm to install with: for the current context, the user's own if there is one."""
        own = None if self.is_local else shutil.which("helm")
        return Path(own) if own else programs.ensure("helm")["helm"]


def chosen(environment: Mapping[str, str] = os.environ) -> Target:
    """The cluster that the environment selects; raises :class:`progress.StepError` for an unknown value."""
    wanted = environment.get("TASKYARD_CLUSTER") or "local"
    image = environment.get("TASKYARD_IMAGE") or None
    if wanted == "local":
        return Target(True, {"KUBECONFIG": str(locations.KUBECONFIG)}, image)
    if wanted == "current":
        return Target(False, {}, image)
    raise progress.StepError(
        _CHOOSING,
        f"TASKYARD_CLUSTER is {wanted!r}: set it to current (the kubeconfig's), or unset it for a local cluster",
    )


def bring_up(target: Target) -> str:
    """Ensures that the cluster answers and has Taskyard's image; returns the image's name. Raises ``StepError``."""
    return _bring_up_local(target) if target.is_local else _bring_up_current(target)


def _bring_up_local(target: Target) -> str:
    base = images.ensure_base()
    built = None if target.image else images.ensure_taskyard()
    cluster.up()
    images.load(images.pause(), base, *([built] if built else []))
    return target.image or (built.names[0] if built else "")


def _bring_up_current(target: Target) -> str:
    kubectl = target.kubectl("kubectl.log")
    said = kubectl.attempt("config", "current-context")
    if said.status != 0:
        raise progress.StepError(_CHOOSING, f"the kubeconfig has no current context: {said.cause}", kubectl.log)
    context = said.output.strip()
    with progress.step(f"asking the cluster of context {context}", log=kubectl.log):
        said = kubectl.attempt("version", "--output=json")
        if said.status != 0:
            raise progress.StepError(f"asking the cluster of context {context}", said.cause, kubectl.log)
    return target.image or current.build_and_load(context)

"""Taskyard's image for a cluster that is not ours: built with the available engine, and loaded if a tool can do that.

kind, k3d and minikube name their contexts after themselves, and load images from a file or from Docker. Desktop
clusters share Docker's images. Any other cluster pulls: the user pushes the image and names it in TASKYARD_IMAGE.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from localcluster import images, locations, progress

REPOSITORY = "taskyard"
_BUILDING = "building Taskyard's image"
_DESKTOPS = ("docker-desktop", "rancher-desktop", "orbstack", "colima")


@dataclass(frozen=True)
class Engine:
    """The build program: ``docker``, whose images tools find by name, or ``buildah``, which produces an archive."""

    name: str
    program: str


@dataclass(frozen=True)
class Loading:
    """How an image gets to a cluster: a command, empty when the cluster has it already."""

    command: tuple[str, ...]


def loading(context: str, image: str, archive: Path | None = None) -> Loading | None:
    """How ``image``, or the archive that holds it, gets to the cluster of a context; None when only the user knows."""
    kind, _, name = context.partition("-")
    source = str(archive) if archive else image
    if kind == "kind" and name:
        verb = "image-archive" if archive else "docker-image"
        return Loading(("kind", "load", verb, source, "--name", name))
    if kind == "k3d" and name:
        return Loading(("k3d", "image", "import", source, "--cluster", name))
    if context == "minikube":
        return Loading(("minikube", "image", "load", source))
    if context in _DESKTOPS and archive is None:
        return Loading(())
    return None


def find_engine(which: Callable[[str], str | None] = shutil.which) -> Engine | None:
    """Docker when its daemon answers, else buildah."""
    docker = which("docker")
    if docker and _succeeds([docker, "version"]):
        return Engine("docker", docker)
    buildah = which("buildah")
    return Engine("buildah", buildah) if buildah else None


def build_and_load(context: str) -> str:
    """Builds the image of this tree and loads it into the context's cluster; returns its name.

    Raises ``StepError`` when there is no build engine, or when the user has to push the image: the cause says how.
    """
    engine = find_engine()
    if engine is None:
        raise progress.StepError(
            _BUILDING, "neither docker nor buildah is available: install one, or name an image in TASKYARD_IMAGE"
        )
    image = f"{REPOSITORY}:{images.source_hash(locations.REPOSITORY, 'current')}"
    archive = _build(engine, image)
    way = loading(context, image, archive)
    if way is None or (way.command and shutil.which(way.command[0]) is None):
        raise progress.StepError(f"loading {image} into the cluster of context {context}", _advice(way, image, engine))
    if way.command:
        progress.run(
            f"loading {image} into the cluster of context {context}",
            way.command,
            log=locations.LOGS / "load-image.log",
            timeout=600,
        )
    return image


def _advice(way: Loading | None, image: str, engine: Engine) -> str:
    if way is not None:
        return f"{way.command[0]} is not in PATH; the command to run is: {' '.join(way.command)}"
    return (
        f"push it to a registry that the cluster pulls from ({engine.name} push {image} …), "
        "then run this again with TASKYARD_IMAGE=<its name there>"
    )


def _build(engine: Engine, image: str) -> Path | None:
    """Builds ``image`` unless the engine has it; returns the archive that holds it for buildah."""
    log = locations.LOGS / "build-taskyard.log"
    dockerfile = locations.REPOSITORY / "deploy/images/Dockerfile"
    if engine.name == "docker":
        if not _succeeds([engine.program, "image", "inspect", image]):
            _run(f"building {image}", log, engine, "build", "--file", dockerfile, "--tag", image, locations.REPOSITORY)
        return None
    archive = locations.CLUSTER / f"{image.replace(':', '-')}.tar"
    if not archive.exists():
        _run(
            f"building {image}",
            log,
            engine,
            *("build", "--layers", "--file", dockerfile, "--tag", image, locations.REPOSITORY),
        )
        scratch = archive.with_suffix(".new")
        scratch.unlink(missing_ok=True)
        _run(f"packing {image}", log, engine, "push", image, f"docker-archive:{scratch}:{image}")
        scratch.rename(archive)
    return archive


def _run(title: str, log: Path, engine: Engine, *arguments: str | os.PathLike[str]) -> None:
    progress.run(title, [engine.program, *arguments], log=log)


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False

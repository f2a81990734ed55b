"""Builds an image from its Dockerfile with buildah, without a daemon and without leaving a mount behind."""

import os
import subprocess
import tempfile
from pathlib import Path

from localcluster import locations, oci, progress

# Layers of earlier builds are kept for speed; when they exceed this size, they are removed and built again.
_STORAGE_BYTES = 8 * 2**30


def build(dockerfile: str, *, context: Path, base: Path, base_name: str, names: tuple[str, ...], archive: Path) -> None:
    """Builds ``dockerfile`` (its path in ``context``, a tree of this repository) into an OCI archive with these names.

    ``base`` is the archive of the image that the argument BASE_IMAGE names. Raises :class:`progress.StepError`.
    """
    log = locations.cache() / "logs" / "build-image.log"
    storage = locations.cache() / "buildah"
    storage.mkdir(parents=True, exist_ok=True)
    _bound(storage)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".build-") as scratch:
        # A mount namespace of its own: no mount remains, however the build ends. buildah notes its mounts in the run
        # root, which is removed too.
        command = [
            *("unshare", "--mount", "buildah", "--root", str(storage), "--runroot", f"{scratch}/run"),
            *("--storage-driver", storage_driver(storage)),
        ]
        environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}

        def run(title: str, *arguments: str, shown: bool = True) -> None:
            progress.run(title, [*command, *arguments], log=log, env=environment, shown=shown)

        with progress.step(f"reading {base_name}", log=log):
            run("reading the base image", "pull", "--quiet", f"oci-archive:{base}:{base_name}", shown=False)
        run(
            f"building {names[0]}",
            *("build", "--layers", "--pull-never", "--file", str(context / dockerfile)),
            *("--build-arg", f"BASE_IMAGE={base_name}"),
            *network_arguments(dict(os.environ)),
            *("--tag", names[0], str(context)),
        )
        with progress.step(f"packing {names[0]}", log=log):
            layout = Path(scratch) / "layout"
            run("writing the image", "push", "--quiet", "--disable-compression", names[0], f"oci:{layout}", shown=False)
            oci.pack(layout, names, archive)


def network_arguments(environment: dict[str, str]) -> list[str]:
    """Arguments that let a build step reach the package registries as this machine does: certificates, tools' settings.

    Proxies need no argument: buildah passes them on by itself.
    """
    arguments: list[str] = []
    for name in ("PIP_CERT", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"):
        bundle = environment.get(name)
        if bundle and Path(bundle).is_file():
            # Not at its usual path, which Debian's own package writes.
            inside = f"/run/{name.lower().replace('_', '-')}.pem"
            arguments += ["--volume", f"{bundle}:{inside}:ro", "--build-arg", f"{name}={inside}"]
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        if environment.get(name):
            arguments += ["--build-arg", f"{name}={environment[name]}"]
    return arguments


def storage_driver(folder: Path) -> str:
    """``overlay`` if the kernel can mount one on this folder, else ``vfs``, which copies every layer in full."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".try-") as scratch:
        for name in ("lower", "upper", "work", "merged"):
            (Path(scratch) / name).mkdir()
        options = ",".join(f"{name}dir={scratch}/{name}" for name in ("lower", "upper", "work"))
        tried = subprocess.run(
            ["unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", options, f"{scratch}/merged"],
            capture_output=True,
            check=False,
            timeout=30,
        )
        return "overlay" if tried.returncode == 0 else "vfs"


def _bound(storage: Path) -> None:
    used = subprocess.run(
        ["du", "--summarize", "--block-size=1", str(storage)], capture_output=True, text=True, check=False, timeout=120
    ).stdout.split()
    if used and used[0].isdigit() and int(used[0]) > _STORAGE_BYTES:
        # In a mount namespace, so that nothing is mounted under the folder that is removed.
        subprocess.run(["unshare", "--mount", "rm", "-rf", str(storage)], check=True, timeout=300)
        storage.mkdir()

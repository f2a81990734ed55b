"""Debian packages that the cluster and its images need: installed when missing, without starting their services."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from localcluster import locations, progress

# Package to a file of it: where the file exists, the package is not needed, whatever installed the file.
NODE = {
    "containerd": ("containerd", "ctr", "containerd-shim-runc-v2"),
    "runc": ("runc",),
    "containernetworking-plugins": ("/usr/lib/cni/ptp", "/usr/lib/cni/portmap", "/usr/lib/cni/host-local"),
    "iptables": ("iptables", "iptables-save", "iptables-restore"),
    "iproute2": ("ip",),
    "util-linux": ("unshare", "nsenter", "mount"),
}
IMAGES = {
    "buildah": ("buildah",),
    "debootstrap": ("debootstrap",),
}
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_POLICY = Path("/usr/sbin/policy-rc.d")


def find(program: str) -> Path | None:
    """The path of a file, or of a program by name, also from system folders that some users lack in ``PATH``."""
    if program.startswith("/"):
        return Path(program) if Path(program).exists() else None
    found = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin", "/bin", *_SBIN]))
    return Path(found) if found else None


def missing(needed: dict[str, tuple[str, ...]]) -> list[str]:
    """The packages of the table whose file does not exist."""
    return [name for name, files in needed.items() if any(find(file) is None for file in files)]


def ensure(needed: dict[str, tuple[str, ...]]) -> None:
    """Installs the missing packages of the table with apt-get, as root. Raises :class:`progress.StepError`."""
    names = missing(needed)
    if not names:
        return
    title = f"installing {', '.join(names)}"
    if find("apt-get") is None:
        raise progress.StepError(title, "this machine has no apt-get: install them with its own package manager")
    if os.geteuid() != 0:
        raise progress.StepError(title, "only root may install packages")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log = locations.cache() / "logs" / "apt-get.log"
    with progress.step(title, log=log), _no_service_starts():
        # The first attempt uses the package lists as they are; if they are older than the mirror, the second refreshes
        # them.
        try:
            _apt_get(title, ("install", "-y", "--no-install-recommends", *names), log, environment)
        except progress.StepError:
            _apt_get(title, ("update",), log, environment)
            _apt_get(title, ("install", "-y", "--no-install-recommends", *names), log, environment)
    still = missing(needed)
    if still:
        raise progress.StepError(title, f"apt-get did not install all of {', '.join(still)}", log)


def _apt_get(title: str, arguments: Sequence[str], log: Path, environment: dict[str, str]) -> None:
    progress.run(title, ["apt-get", *arguments], log=log, env=environment, shown=False)


@contextlib.contextmanager
def _no_service_starts() -> Iterator[None]:
    """Debian runs this file before a package starts its service; an existing one is left as it is."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)

"""Images without a registry: made here, kept as OCI archives in the cache, loaded into the node's containerd.

- ``pause()``: one static program that sleeps; the sandbox of every Pod
- ``ensure_base()``: ``localhost/debian:trixie-slim``, from the mirror that this machine's apt uses
- ``ensure_agent()``: an agent's program on that base, from the Dockerfile of an example
- ``ensure_taskyard()``: ``deploy/images/Dockerfile`` on that base, named by a hash of its sources, so that an unchanged
  tree builds nothing and a changed one gives Pods a new image name
- ``ensure_release()``: the same of an earlier commit, for tests of the upgrade from it
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from localcluster import buildah, cluster, history, locations, node, oci, packages, progress

BASE = "localhost/debian:trixie-slim"
TASKYARD = "localhost/taskyard"
# What containerd expands the short name to.
_BASE_ELSEWHERE = "docker.io/library/debian:trixie-slim"
_BASE_RECIPE = "2"
_PAUSE_SOURCE = """\
/* The sandbox of a Pod: holds its namespaces, reaps its orphans, ends when it is told to. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int number) { (void)number; _exit(0); }
static void reap(int number) { (void)number; while (waitpid(-1, NULL, WNOHANG) > 0) {} }
int main(void) {
  signal(SIGINT, end);
  signal(SIGTERM, end);
  signal(SIGCHLD, reap);
  for (;;) pause();
}
"""
# The sources of Taskyard's image; the same files as .dockerignore lets through.
_DOCKERFILE = "deploy/images/Dockerfile"
_SOURCES = (_DOCKERFILE, ".dockerignore", "pyproject.toml", "uv.lock", "operator")
_SLIM = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
)
_KEPT_ARCHIVES = 3


@dataclass(frozen=True)
class Archive:
    """An OCI archive and the names that its image gets in the node."""

    path: Path
    names: tuple[str, ...]


def pause() -> Archive:
    """The sandbox image, compiled if the cache lacks it."""
    archive = _directory() / f"{_file_name(node.PAUSE_IMAGE)}-{_hash(_PAUSE_SOURCE.encode())}.tar"
    with _once(archive) as missing:
        if missing:
            packages.ensure({"gcc": ("cc",), "libc6-dev": ("/usr/include/stdlib.h",)})
            with progress.step("making the sandbox image"), tempfile.TemporaryDirectory() as scratch:
                root = Path(scratch) / "root"
                root.mkdir()
                source = Path(scratch) / "pause.c"
                source.write_text(_PAUSE_SOURCE)
                _quietly("cc", "-static", "-Os", "-s", "-o", str(root / "pause"), str(source))
                _archive_of(root, oci.Image((node.PAUSE_IMAGE,), entrypoint=("/pause",)), archive)
    return Archive(archive, (node.PAUSE_IMAGE,))


def ensure_base() -> Archive:
    """Debian 13 without documentation, as ``debian:trixie-slim`` is; made with debootstrap if the cache lacks it.

    It has both names in the node, so a Pod whose image is ``debian:trixie-slim`` runs as it would with a registry.
    """
    archive = _directory() / f"{_file_name(BASE)}-recipe-{_BASE_RECIPE}.tar"
    with _once(archive) as missing:
        if missing:
            packages.ensure({"debootstrap": packages.IMAGES["debootstrap"]})
            with tempfile.TemporaryDirectory(dir=_directory(), prefix=".base-") as scratch:
                root = Path(scratch) / "root"
                progress.run(
                    f"making {BASE}",
                    # In a mount namespace of its own: debootstrap mounts /proc, and may be killed before it unmounts.
                    ["unshare", "--mount", "debootstrap", "--variant=minbase", "trixie", root, *_mirror()],
                    log=locations.cache() / "logs" / "debootstrap.log",
                )
                with progress.step(f"making {BASE} smaller"):
                    _make_slim(root)
                    _archive_of(
                        root,
                        oci.Image(
                            (BASE, _BASE_ELSEWHERE),
                            environment=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",),
                            command=("bash",),
                        ),
                        archive,
                    )
    return Archive(archive, (BASE, _BASE_ELSEWHERE))


def ensure_taskyard() -> Archive:
    """Taskyard's image of the tree as it is now: ``localhost/taskyard:<hash>`` and ``localhost/taskyard:dev``."""
    base = ensure_base()
    digest = source_hash(locations.REPOSITORY, base.path.name)
    return _ensure_built(_DOCKERFILE, base, (f"{TASKYARD}:{digest}", f"{TASKYARD}:dev"), "taskyard", digest)


def ensure_release(commit: str) -> Archive:
    """Taskyard's image as a commit of the history makes it: ``localhost/taskyard:<commit>``, twelve digits of it.

    It stays the same, so it is built once and its file is kept.
    """
    base = ensure_base()
    name = f"{TASKYARD}:{commit[:12]}"
    archive = _directory() / f"release-{commit[:12]}.tar"
    with _once(archive) as missing:
        if missing:
            with tempfile.TemporaryDirectory(prefix="taskyard-release-") as scratch:
                history.export(commit, Path(scratch))
                _build(_DOCKERFILE, base, (name,), archive, context=Path(scratch))
    return Archive(archive, (name,))


def ensure_agent(dockerfile: str, name: str) -> Archive:
    """An agent's image, named like one of a registry (``name:tag``). ``dockerfile`` is a path in this tree and copies
    nothing from it.
    """
    base = ensure_base()
    digest = _hash(f"{base.path.name}\0{name}\0".encode() + (locations.REPOSITORY / dockerfile).read_bytes())
    names = (f"localhost/{name}", f"docker.io/library/{name}")
    return _ensure_built(dockerfile, base, names, f"agent-{name.partition(':')[0]}", digest)


def source_hash(repository: Path, base: str) -> str:
    """A hash, twelve hex digits, of the contents and names of all files that go into the image."""
    digest = hashlib.sha256(base.encode())
    for path in _source_files(repository):
        digest.update(f"\0{path.relative_to(repository)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def load(*archives: Archive) -> None:
    """Loads images into the running node; skips those that are there already."""
    there = loaded()
    missing = [
        archive for archive in archives if any(there.get(name) != oci.digest(archive.path) for name in archive.names)
    ]
    for archive in missing:
        with progress.step(f"loading {archive.names[0]}"):
            _ctr("images", "import", str(archive.path))


def loaded() -> dict[str, str]:
    """The digests of the manifests of the node's images, by image name."""
    lines = [line.split() for line in _ctr("images", "list").splitlines()[1:]]
    return {fields[0]: fields[2] for fields in lines if len(fields) > 2}


def archive_at(path: Path) -> Archive:
    """An archive that was made elsewhere; raises :class:`progress.StepError` when it names no image."""
    try:
        names = oci.names(path)
    except (OSError, ValueError, KeyError, tarfile.TarError) as error:
        raise progress.StepError(f"reading {path}", f"not an OCI archive: {error}") from error
    if not names:
        raise progress.StepError(f"reading {path}", "its index.json gives the image no name")
    return Archive(path, names)


def _ctr(*arguments: str) -> str:
    command = cluster.inside("ctr", "--address", node.CONTAINERD_SOCKET, "--namespace", "k8s.io", *arguments)
    return _quietly(*command)


def _mirror() -> list[str]:
    """The Debian mirror that this machine's apt uses, as debootstrap's argument; without one, debootstrap's default."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = _quietly("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian")
        found = [uri for uri in said.split() if "-security" not in uri]
        return found[:1]
    return []


def _make_slim(root: Path) -> None:
    for name in _SLIM:
        folder = root / name
        for path in sorted(folder.rglob("*"), reverse=True) if folder.is_dir() else ():
            # Licences are kept, as in Debian's own slim image.
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.rmdir()
            elif path.name != "copyright":
                path.unlink()
    (root / "var/cache/apt/archives/partial").mkdir(parents=True, exist_ok=True)
    (root / "var/lib/apt/lists/partial").mkdir(parents=True, exist_ok=True)
    excluded = "".join(f"path-exclude /{name}/*\n" for name in _SLIM if name.startswith("usr/share/"))
    (root / "etc/dpkg/dpkg.cfg.d").mkdir(parents=True, exist_ok=True)
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(f"{excluded}path-include /usr/share/doc/*/copyright\n")
    for name in ("etc/hostname", "etc/resolv.conf"):
        (root / name).unlink(missing_ok=True)
    shutil.rmtree(root / "dev")
    (root / "dev").mkdir()


def _archive_of(root: Path, image: oci.Image, archive: Path) -> None:
    layer = root.with_name("layer.tar")
    _quietly("tar", "--numeric-owner", "--sort=name", "-C", str(root), "-cf", str(layer), ".")
    oci.write_archive(archive, image, layer)


def _source_files(repository: Path) -> list[Path]:
    found: list[Path] = []
    for name in _SOURCES:
        path = repository / name
        found += [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sorted(one for one in found if "__pycache__" not in one.parts and one.suffix != ".pyc")


def _ensure_built(dockerfile: str, base: Archive, names: tuple[str, str], sort: str, digest: str) -> Archive:
    """The image of a Dockerfile of this tree, built unless archived; removes the oldest archives of its sort."""
    archive = _directory() / f"{sort}-{digest}.tar"
    with _once(archive) as missing:
        if missing:
            _build(dockerfile, base, names, archive, context=locations.REPOSITORY)
            _forget_old(_directory().glob(f"{sort}-{'?' * len(digest)}.tar"))
    os.utime(archive)
    return Archive(archive, names)


def _build(dockerfile: str, base: Archive, names: tuple[str, ...], archive: Path, *, context: Path) -> None:
    packages.ensure({"buildah": packages.IMAGES["buildah"]})
    buildah.build(dockerfile, context=context, base=base.path, base_name=BASE, names=names, archive=archive)


def _directory() -> Path:
    directory = locations.cache() / "images"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextlib.contextmanager
def _once(archive: Path) -> Iterator[bool]:
    """Yields whether the archive has to be made; while one process makes one of its kind, others wait."""
    if archive.is_file():
        yield False
        return
    with (archive.parent / f".{archive.name.partition('-')[0]}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield not archive.is_file()


def _forget_old(archives: Iterable[Path]) -> None:
    by_age = sorted(archives, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[_KEPT_ARCHIVES:]:
        path.unlink(missing_ok=True)


def _file_name(image: str) -> str:
    return image.removeprefix("localhost/").replace(":", "-")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _quietly(*command: str) -> str:
    """Runs a command that prints little; returns its output. ``CalledProcessError`` carries its error output."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout

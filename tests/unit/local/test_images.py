"""Archives of images and the hashes that name them."""

import tarfile
from pathlib import Path

import pytest

from localcluster import buildah, images, oci


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

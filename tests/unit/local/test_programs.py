"""Which programs are found and which Go builds them."""

from pathlib import Path

import pytest

from localcluster import programs


def _put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_program_is_found_in_the_cache_under_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    assert programs.find("kubelet") is None
    built = _put(tmp_path / "taskyard/programs" / f"kubernetes-{programs.KUBERNETES_VERSION}" / "kubelet")
    assert programs.ensure("kubelet") == {"kubelet": built}


def test_the_assets_folder_of_envtest_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    etcd = _put(tmp_path / "assets" / "etcd")
    assert programs.find("etcd") == etcd
    assert programs.find("kube-apiserver") is None


def test_our_own_source_is_part_of_the_key() -> None:
    assert len(programs.directory_of(programs.family_of("coredns")).name.split("-")) == 3


@pytest.mark.parametrize(
    ("said", "version"),
    [
        pytest.param("go version go1.26.8 linux/amd64", (1, 26, 8), id="a release"),
        pytest.param("go version go1.27rc1 linux/amd64", (1, 27), id="a candidate"),
        pytest.param("go: command not found", (), id="none"),
    ],
)
def test_the_version_that_go_prints(said: str, version: tuple[int, ...]) -> None:
    assert programs.go_version(said) == version


@pytest.mark.parametrize("family", programs.FAMILIES, ids=lambda family: family.name)
def test_each_module_requires_the_version_that_the_table_names(family: programs.Family) -> None:
    text = (family.sources / "go.mod").read_text()
    assert programs.required_go(text) >= (1, 26)
    assert f" v{family.version}\n" in text

"""Our folder in the machine's cgroup hierarchies."""

from pathlib import Path

from localcluster import cgroups


def _hierarchy(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    for name, content in {
        "cgroup.procs": "",
        **{key.replace("__", "."): value for key, value in files.items()},
    }.items():
        (path / name).write_text(content)
    return path


def test_version_1_has_one_folder_in_each_hierarchy_and_links_count_once(tmp_path: Path) -> None:
    cpu, memory = _hierarchy(tmp_path / "cpu,cpuacct"), _hierarchy(tmp_path / "memory")
    (tmp_path / "cpu").symlink_to(cpu)
    (tmp_path / "empty").mkdir()
    assert cgroups.hierarchies(tmp_path) == [cpu, memory]


def test_version_2_has_one_root_that_enables_its_controllers_for_child_folders(tmp_path: Path) -> None:
    root = _hierarchy(tmp_path / "root", cgroup__controllers="cpu memory", cgroup__subtree_control="")
    cgroups.make(root)
    assert cgroups.hierarchies(root) == [root]
    assert (root / "taskyard" / "system").is_dir()
    assert (
        root / "cgroup.subtree_control"
    ).read_text() == "+memory"  # only the last write: a plain file does not accumulate


def test_a_machine_without_cgroups_has_nothing_to_clear(tmp_path: Path) -> None:
    assert cgroups.clear(tmp_path / "missing") == []

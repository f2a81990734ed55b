"""Former states of a repository, from the clones that people have."""

import subprocess
from pathlib import Path

import pytest

from localcluster import history, progress


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=jane", "-c", "user.email=jane@example.com", "-c", "commit.gpgsign=false")
    command = ["git", *settings, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits, the first of which is tagged `old`."""
    folder = tmp_path / "repository"
    (folder / "charts").mkdir(parents=True)
    git(folder, "init", "--quiet")
    for content in ("old", "new"):
        (folder / "charts" / "values.yaml").write_text(content)
        (folder / content).write_text(content)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", content)
    git(folder, "tag", "old", "HEAD~1")
    return folder


def test_a_commit_is_written_whole_or_in_part(repository: Path, tmp_path: Path) -> None:
    commit = git(repository, "rev-parse", "old")
    assert history.missing(commit, repository) is None
    history.export(commit, tmp_path / "all", repository=repository)
    history.export(commit, tmp_path / "part", "charts", repository=repository)
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["charts", "old"]
    assert (tmp_path / "part" / "charts" / "values.yaml").read_text() == "old"
    assert [path.name for path in (tmp_path / "part").iterdir()] == ["charts"]


def test_a_shallow_clone_lacks_it_and_is_told_what_helps(repository: Path, tmp_path: Path) -> None:
    commit, clone = git(repository, "rev-parse", "old"), tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", str(clone))
    missing = history.missing(commit, clone)
    assert missing == f"commit {commit[:7]} is not in this clone's history: run `git fetch --unshallow`"
    git(clone, "fetch", "--quiet", "--unshallow")
    assert history.missing(commit, clone) is None


def test_an_unpacked_tarball_has_no_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    missing = history.missing("0" * 40, tmp_path)
    assert missing is not None and "clone the repository" in missing


def test_a_machine_without_git_is_told_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = history.missing("0" * 40, tmp_path)
    assert missing is not None and "install git" in missing


def test_a_commit_that_is_not_there_is_a_step_that_failed(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(progress.StepError, match="reading commit 0000000"):
        history.export("0" * 40, tmp_path / "nothing", repository=repository)

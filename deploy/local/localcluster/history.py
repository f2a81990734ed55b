"""Former states of this repository, from its git history."""

import subprocess
from pathlib import Path

from localcluster import locations, progress


def missing(commit: str, repository: Path = locations.REPOSITORY) -> str | None:
    """Why a commit cannot be had here and what helps, in one line; None when it is there."""
    try:
        if _git(repository, "cat-file", "-e", f"{commit}^{{commit}}").returncode == 0:
            return None
        if _git(repository, "rev-parse", "--is-inside-work-tree").returncode != 0:
            return f"commit {commit[:7]} is not here, since this is no clone: clone the repository with its history"
    except FileNotFoundError:
        return f"commit {commit[:7]} cannot be read: install git"
    return f"commit {commit[:7]} is not in this clone's history: run `git fetch --unshallow`"


def export(commit: str, folder: Path, *paths: str, repository: Path = locations.REPOSITORY) -> None:
    """Writes the files of a commit into a folder: all of them, or those beneath ``paths``.

    Raises :class:`progress.StepError`.
    """
    title = f"reading commit {commit[:7]}"
    archive = _git(repository, "archive", "--format=tar", commit, "--", *paths)
    if archive.returncode != 0:
        raise progress.StepError(title, progress.telling_line(archive.stderr.decode(errors="replace")))
    folder.mkdir(parents=True, exist_ok=True)
    unpacked = subprocess.run(
        ["tar", "--extract", "--no-same-owner", "--directory", str(folder)],
        input=archive.stdout,
        capture_output=True,
        check=False,
        timeout=60,
    )
    if unpacked.returncode != 0:
        raise progress.StepError(title, progress.telling_line(unpacked.stderr.decode(errors="replace")))


def _git(repository: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    # The cluster needs root, and the clone may be somebody else's: git refuses such a one unless it is told.
    command = ["git", "-c", "safe.directory=*", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=60)

"""A scenario's figures as a JSON file, for programs and for a later run to be compared with."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.figures import Earlier, Figure
from localcluster.locations import REPOSITORY

FOLDER = REPOSITORY / "bench" / "results"


def name(scenario: str, at: datetime, commit: str) -> str:
    """The file's name: date, commit (with a + if files differ from it) and scenario."""
    return f"{at:%Y-%m-%d-%H%M%S}-{commit or 'unknown'}-{scenario}.json"


def document(scenario: str, at: datetime, *, commit: str, machine: str, figures: Sequence[Figure]) -> dict[str, Any]:
    """The file's content. `met` is null without a goal, and `at_least` is whether the goal is a minimum."""
    return {
        "scenario": scenario,
        "date": at.isoformat(timespec="seconds"),
        "commit": commit,
        "machine": machine,
        "figures": [{**dataclasses.asdict(figure), "met": figure.met} for figure in figures],
    }


def earlier(documents: Iterable[Mapping[str, Any]]) -> Earlier:
    """The figures of such documents. Of two of one scenario the later in order counts."""
    return {
        found["scenario"]: {figure["what"]: float(figure["value"]) for figure in found["figures"]}
        for found in documents
    }


def read(files: Iterable[str]) -> Earlier:
    """The figures of these files, looked for in FOLDER too. Raises ValueError, with a text for people, when one of them
    is not such a file."""
    documents = []
    for file in files:
        try:
            path = Path(file) if Path(file).exists() else FOLDER / file
            documents.append(json.loads(path.read_text()))
            earlier(documents[-1:])
        except OSError as error:
            raise ValueError(f"COMPARE={file}: {error.strerror}: {path}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"COMPARE={file}: not a file that `make bench` has written") from error
    return earlier(documents)


def write(content: Mapping[str, Any], file: str) -> Path:
    """Writes a document into FOLDER; returns its path."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / file
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return path

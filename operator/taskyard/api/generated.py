"""The files that `make generate` writes: written when they are out of date, or only checked (`--check`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path


def parser(description: str) -> argparse.ArgumentParser:
    """Options of a program that writes such files; the program itself adds where to."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is out of date")
    return options


def bring_up_to_date(texts: Mapping[Path, str], *, check: bool) -> int:
    """Write the files that are missing or out of date, or with `check` only report which ones these are.

    Returns the exit status: 1 if `check` found any.
    """
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    if check and stale:
        print(f"out of date: {', '.join(map(str, stale))}; run `make generate`", file=sys.stderr)
        return 1
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path])
    return 0

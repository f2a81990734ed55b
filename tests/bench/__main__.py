"""`python -m bench <scenario>`: runs it and prints its table."""

from __future__ import annotations

import argparse
import importlib
import tempfile
import time
from pathlib import Path

from bench import figures, machine
from localcluster.locations import REPOSITORY

SCENARIOS = ("sidecar", "gateway")


def main() -> None:
    """Exits with 0 also when a goal is not met: the user judges that, knowing what else the machine was doing."""
    parser = argparse.ArgumentParser(prog="make bench SCENARIO=…", description="Measure, and print a table.")
    parser.add_argument("scenario", choices=SCENARIOS)
    scenario = parser.parse_args().scenario
    where, began = machine.here(REPOSITORY), time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="taskyard-bench-") as folder:
        found = importlib.import_module(f"bench.{scenario}").run(Path(folder), say)
    print(f"\n{scenario}: {where}\n\n{figures.table(found)}")


if __name__ == "__main__":
    main()

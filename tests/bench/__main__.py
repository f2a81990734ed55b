"""`python -m bench [SCENARIO,…] [--compare FILE,…]`: runs scenarios, prints one table, and keeps each one's figures."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from bench import agentsandbox, machine, results
from bench.figures import Figure, table
from localcluster.locations import REPOSITORY

SCENARIOS = ("operator", "hostile", "gateway", "notifier", "sidecar", "start")


def main() -> None:
    """Exits with 0 also when a goal is not met: the user judges that, knowing what else the machine was doing. A
    scenario that fails does not keep the others from running, and makes the exit status 1; what it had measured is
    shown."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure, and print a table.")
    parser.add_argument("scenarios", nargs="?", default="", help=f"SCENARIO=…: {', '.join(SCENARIOS)}; all by default")
    parser.add_argument("--compare", default="", help="COMPARE=…: files of earlier runs, from bench/results")
    given = parser.parse_args()
    try:
        scenarios = chosen(given.scenarios)
        earlier = results.read(_listed(given.compare)) if given.compare else None
        agentsandbox.given()
    except ValueError as error:
        parser.error(str(error))
    where, commit, began = machine.here(REPOSITORY), machine.commit(REPOSITORY), time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {text}", flush=True)

    found: dict[str, list[Figure]] = {}
    failed = []
    for scenario in scenarios:
        say(f"scenario {scenario}")
        at, figures = datetime.now(UTC), found.setdefault(scenario, [])
        try:
            with tempfile.TemporaryDirectory(prefix="taskyard-bench-") as folder:
                # One by one: what was measured before a failure is kept.
                for figure in importlib.import_module(f"bench.{scenario}").run(Path(folder), say):
                    figures.append(figure)
        except Exception:
            traceback.print_exc()
            failed.append(scenario)
        content = results.document(scenario, at, commit=commit, machine=where, figures=figures)
        path = results.write(content, results.name(scenario, at, commit))
        say(f"figures of {scenario}: {path}")
    print(f"\n{where}\n\n{table(found, earlier)}")
    if failed:
        sys.exit(f"\nscenarios that failed: {', '.join(failed)}")


def chosen(text: str) -> list[str]:
    """The scenarios of a list with commas, all of them for an empty one. Raises ValueError for an unknown one."""
    scenarios = _listed(text) or list(SCENARIOS)
    for scenario in scenarios:
        if scenario not in SCENARIOS:
            raise ValueError(f"SCENARIO={scenario}: there is no such scenario; there are {', '.join(SCENARIOS)}")
    return list(dict.fromkeys(scenarios))


def _listed(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


if __name__ == "__main__":
    main()

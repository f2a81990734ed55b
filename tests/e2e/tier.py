"""Whether this machine can run the tier, and how it is told that it cannot."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from localcluster import progress

# The chart's values. Sinks have receivers in the cluster, whose Pods have addresses of 10.0.0.0/8.
VALUES = ("notifier.enabled=true", "notifier.allow.plainHttp=true", "notifier.allow.networks={10.0.0.0/8}")


def unable() -> str | None:
    """Why this machine cannot run the tier, if it cannot."""
    if sys.platform != "linux":
        return "e2e tier: the local cluster needs Linux"
    if os.geteuid() != 0:
        return "e2e tier: the local cluster needs root"
    return None


def give_up(reason: str) -> NoReturn:
    """Skip the test by name; with CI=true, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextmanager
def steps() -> Iterator[None]:
    """A step of the local cluster that ends badly fails the test with its cause and its log."""
    try:
        yield
    except progress.StepError as failure:
        pytest.fail(f"{failure} (log: {failure.log})", pytrace=False)

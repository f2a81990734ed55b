"""Texts that are too long for the object that they go into."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.task import TaskStatus
from taskyard.core import conditions, input_required, status, text_limits
from taskyard.core.conditions import Verdict
from taskyard.core.observed import Observed, Obstacle
from taskyard.core.pod_view import SIDECAR
from taskyard.core.times import rfc3339
from unit.core.builders import NOW, container_status, pod, running
from unit.core.situations import failed, starting

# What the API server says of a Pod with 400 variables whose names are no names.
ENVIRONMENT = ", ".join(
    f'spec.containers[0].env[{number}].name: Invalid value: "BAD=NAME-{number}": a valid environment variable name ...'
    for number in range(400)
)
WAITING = container_status(state="waiting", reason="CreateContainerConfigError", message=ENVIRONMENT)


@pytest.mark.parametrize("text", ["x" * 40_000, "ä" * 40_000, "🚪" * 40_000, "word " * 8_000])
def test_what_is_too_long_is_cut_at_its_end_and_says_by_how_much(text: str) -> None:
    short = text_limits.message(text)
    assert len(short) <= 2048
    kept, _, rest = short.partition("… (")
    assert text.startswith(kept) and rest == f"{len(text) - len(kept)} more characters)"


@pytest.mark.parametrize("text", ["", "x" * 2048, "🚪" * 2048, "two\nlines"])
def test_what_fits_stays_as_it_is(text: str) -> None:
    assert text_limits.message(text) == text


def test_half_a_pair_of_surrogates_is_no_text_for_an_object() -> None:
    assert text_limits.message("half \ud83d") == "half ?"


@pytest.mark.parametrize("text", ["x" * 2000, "ä" * 1000, "🚪" * 300, "half a pair \ud83d" * 100])
def test_a_note_counts_bytes_and_is_whole_characters(text: str) -> None:
    short = text_limits.note(text)
    assert 900 < len(short.encode()) <= 1024 and short.endswith("more characters)")


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(failed(message=ENVIRONMENT), id="a build's message"),
        pytest.param(starting(obstacle=Obstacle("QuotaExceeded", ENVIRONMENT)), id="an obstacle"),
        pytest.param(
            starting(pods=(pod(node=None, phase="Pending", unschedulable=ENVIRONMENT),)), id="the scheduler's words"
        ),
        pytest.param(
            running(
                status={"workspace": {}}, pods=(pod(sidecar=container_status(SIDECAR, ready=False), agent=WAITING),)
            ),
            id="the kubelet's words",
        ),
    ],
)
def test_no_text_makes_a_status_that_the_api_server_refuses(seen: Observed) -> None:
    """K6."""
    document = status.document(seen)
    TaskStatus.model_validate({key: value for key, value in document.items() if value is not None and key != "build"})
    (ready,) = [condition for condition in document["conditions"] if condition["type"] == "Ready"]
    assert len(ready["message"]) <= 2048 and "BAD=NAME-1" in ready["message"]
    assert "more characters)" in ready["message"], "and behind that is room for a remedy"


def test_a_condition_of_any_kind_fits() -> None:
    """K6."""
    (found,) = conditions.render(
        [Verdict("Valid", False, "x" * 5000, ENVIRONMENT)], former=[], generation=1, now=rfc3339(NOW)
    )
    assert len(found["reason"]) == 128 and len(found["message"]) <= 2048


def test_the_longest_question_keeps_its_id_and_one_that_is_too_long_is_not_written_again() -> None:
    asked = input_required.message(question="q" * 63, text="t" * 300, options=["o" * 100] * 8)
    now = rfc3339(NOW)
    first = input_required.with_question([], asked=asked, generation=1, now=now)
    assert first is not None and first[0]["message"].endswith("q" * 63)
    long: dict[str, Any] = {"asked": "x" * 40_000, "generation": 1, "now": now}
    cut = input_required.with_question([], **long)
    assert cut is not None and len(cut[0]["message"]) <= 2048
    assert input_required.with_question(cut, **long) is None

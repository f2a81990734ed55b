"""What decisions read of a TaskInput."""

from __future__ import annotations

import pytest

from taskyard.core import names
from taskyard.core.input_view import InputView
from unit.core.builders import Manifest, at, build_manifest, input_manifest


def test_the_view_of_a_fresh_input_has_the_defaults() -> None:
    view = InputView.of(input_manifest(owner_uid=None, status={}))
    assert (view.type, view.phase, view.resume, view.has_order, view.attempts, view.owner) == (
        "User",
        "Queued",
        False,
        False,
        0,
        None,
    )


def test_only_a_controlling_task_owns_an_input() -> None:
    manifest = input_manifest()
    (reference,) = manifest["metadata"]["ownerReferences"]
    for other in ({"kind": "Job"}, {"controller": False}, {"apiVersion": "tekton.dev/v1"}):
        manifest["metadata"]["ownerReferences"] = [reference | other]
        assert InputView.of(manifest).owner is None
    assert build_manifest()["metadata"]["ownerReferences"] == [reference]


@pytest.mark.parametrize(
    ("fields", "is_unnamed"),
    [
        pytest.param({}, False, id="a person or a tool chose it"),
        pytest.param({"generate_name": "hello-"}, True, id="the API server generated it"),
        pytest.param({"labels": {names.CREATED_BY: "gateway"}}, True, id="the gateway made it"),
        pytest.param({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, False, id="other labels say nothing"),
    ],
)
def test_who_chose_the_name(fields: Manifest, is_unnamed: bool) -> None:
    """K7"""
    assert InputView.of(input_manifest(**fields)).is_unnamed is is_unnamed


@pytest.mark.parametrize(
    ("status", "is_typed"),
    [
        pytest.param({"phase": "Delivered"}, True, id="delivered"),
        pytest.param({"phase": "Delivered", "message": "in doubt"}, True, id="perhaps"),
        pytest.param({"phase": "Delivered", "message": "The command was run again."}, True, id="had its effect"),
        pytest.param({"phase": "Delivered", "message": "delivered before, not repeated: so it is"}, False, id="before"),
        pytest.param({"phase": "Rejected"}, False, id="rejected"),
        pytest.param({"phase": "Queued", "deliveredAt": None}, False, id="waits"),
    ],
)
def test_when_it_reached_the_agent(status: Manifest, is_typed: bool) -> None:
    """K7"""
    moment = "rejectedAt" if status["phase"] == "Rejected" else "deliveredAt"
    view = InputView.of(input_manifest(status={moment: "2026-01-31T12:00:00Z", **status}))
    assert view.typed_at == (at(0) if is_typed else None)


def test_for_which_task_an_input_is_stands_in_its_status() -> None:
    """K14"""
    assert InputView.of(input_manifest(status={"taskUID": "former"})).meant_for == "former"
    assert InputView.of(input_manifest()).meant_for is None

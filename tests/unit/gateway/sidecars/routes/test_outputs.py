"""What an agent hands out, merged with what its Task has."""

import pytest

from taskyard.api.task import MAX_OUTPUTS
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.sidecars.routes.outputs import Output, Outputs, status_change

BRANCH, PR = {"name": "branch", "value": "fix"}, {"name": "pr", "value": "1"}


def given(**values: str) -> Outputs:
    return Outputs(outputs=[Output(name=name, value=value) for name, value in values.items()])


def test_outputs_are_added_and_replaced_in_the_order_in_which_they_came_first() -> None:
    assert status_change(given(branch="fix"), status={}) == {"outputs": [BRANCH]}
    changed = status_change(given(pr="1", branch="other"), status={"outputs": [BRANCH]})
    assert changed == {"outputs": [{"name": "branch", "value": "other"}, PR]}


def test_what_a_task_has_already_is_no_change() -> None:
    assert status_change(given(pr="1"), status={"outputs": [BRANCH, PR]}) == {}
    assert status_change(given(), status={}) == {}


def test_more_outputs_than_a_task_may_have_are_refused() -> None:
    full = [{"name": f"n{number}", "value": ""} for number in range(MAX_OUTPUTS)]
    with pytest.raises(HttpError, match="Too many outputs"):
        status_change(given(another=""), status={"outputs": full})
    assert status_change(given(n0="x"), status={"outputs": full})["outputs"][0] == {"name": "n0", "value": "x"}

"""Label selectors choose what Kubernetes' own would choose."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core.notifications.label_selector import LabelSelector


def needs(operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": "team", "operator": operator, **({"values": [*values]} if values else {})}]}


@pytest.mark.parametrize(
    ("selector", "labels", "expected"),
    [
        pytest.param(None, {}, True, id="no selector"),
        pytest.param({}, {"team": "a"}, True, id="an empty one"),
        pytest.param({"matchLabels": {"team": "a"}}, {"team": "a"}, True, id="the label"),
        pytest.param({"matchLabels": {"team": "a"}}, {"team": "b"}, False, id="another value"),
        pytest.param({"matchLabels": {"team": ""}}, {}, False, id="an empty value is not a missing label"),
        pytest.param({"matchLabels": {"team": "a", "x": "y"}}, {"team": "a"}, False, id="one of two labels"),
        pytest.param(needs("In", "a", "b"), {"team": "b"}, True, id="In, and it is"),
        pytest.param(needs("In", "a", "b"), {"team": "c"}, False, id="In, and it is not"),
        pytest.param(needs("In", "a"), {}, False, id="In, without the label"),
        pytest.param(needs("NotIn", "a"), {"team": "b"}, True, id="NotIn, and it is not"),
        pytest.param(needs("NotIn", "a"), {"team": "a"}, False, id="NotIn, and it is"),
        pytest.param(needs("NotIn", "a"), {}, True, id="NotIn, without the label"),
        pytest.param(needs("Exists"), {"team": ""}, True, id="Exists, with an empty value"),
        pytest.param(needs("Exists"), {"x": "y"}, False, id="Exists, without the label"),
        pytest.param(needs("DoesNotExist"), {}, True, id="DoesNotExist, without the label"),
        pytest.param(needs("DoesNotExist"), {"team": "a"}, False, id="DoesNotExist, with the label"),
        pytest.param(
            {"matchLabels": {"x": "y"}, **needs("Exists")}, {"team": "a"}, False, id="both parts have to be met"
        ),
        pytest.param({"matchLabels": None, "matchExpressions": None}, {}, True, id="parts that are null"),
    ],
)
def test_what_a_selector_selects(selector: dict[str, Any] | None, labels: dict[str, str], expected: bool) -> None:
    assert LabelSelector.of(selector).selects(labels) is expected

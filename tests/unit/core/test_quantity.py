"""Kubernetes' quantities as numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from taskyard.core import quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", "0.25"),
        ("1", "1"),
        (2, "2"),
        (0.5, "0.5"),
        ("1.5", "1.5"),
        ("64Mi", "67108864"),
        ("1Gi", "1073741824"),
        ("100M", "100000000"),
        ("1e3", "1000"),
        ("1E", "1000000000000000000"),
        ("2k", "2000"),
        ("500u", "0.0005"),
    ],
)
def test_a_quantity_is_a_number(text: object, number: str) -> None:
    assert quantity.parse(text) == Decimal(number)


@pytest.mark.parametrize("text", [None, "", "x", "1x", "Mi", "1 Gi", "{{ size }}"])
def test_anything_else_is_none(text: object) -> None:
    assert quantity.parse(text) is None


def test_numbers_are_written_as_people_write_them_and_rounded_up() -> None:
    assert quantity.millis(Decimal("0.0625")) == "63m"
    assert quantity.octets(Decimal(64 * 1024**2)) == "64Mi"
    assert quantity.octets(Decimal("100.5")) == "101"

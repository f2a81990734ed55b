"""UUIDs of what is no object of its own."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from taskyard.gateway.rest import identifiers

SPACE = uuid.UUID("6f1b0f2e-50a6-4c0e-9a51-0d7c53a1f6b4")


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",))), min_size=1))
def test_they_are_those_of_rfc_9562_by_name(parts: list[str]) -> None:
    assert identifiers.derived(*parts) == str(uuid.uuid5(SPACE, "/".join(parts)))

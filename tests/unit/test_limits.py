"""What is written out where the limits cannot be imported says the same."""

from __future__ import annotations

import pytest

from localcluster.locations import REPOSITORY
from taskyard import limits


@pytest.mark.parametrize(
    ("file", "says"),
    [
        pytest.param("docs/architecture.md", f"at most {limits.MAX_TASK_NAME_CHARACTERS} characters", id="a name"),
        pytest.param("docs/architecture.md", f"fit into {limits.MAX_SNAPSHOT_BYTES:,} bytes", id="a snapshot"),
        pytest.param("docs/contracts.md", f"≤ {limits.MAX_SNAPSHOT_BYTES:,} bytes", id="a snapshot's body"),
        pytest.param("docs/contracts.md", f"at most {limits.MAX_CONTENT_CHARACTERS:,} characters", id="a message"),
        pytest.param("docs/contracts.md", f"{limits.MAX_STATE_MESSAGE_BYTES} bytes of it are kept", id="a summary"),
        pytest.param(
            "docs/contracts.md", f"names of 1 to {limits.MAX_OUTPUT_NAME_CHARACTERS} letters", id="an output's name"
        ),
        pytest.param(
            "docs/contracts.md", f"values of at most {limits.MAX_OUTPUT_VALUE_BYTES:,} bytes", id="an output's value"
        ),
        pytest.param("docs/contracts.md", f"would be more than {limits.MAX_OUTPUTS} |", id="outputs"),
        pytest.param(
            "operator/init/report.c",
            f"of which {limits.MAX_STATE_MESSAGE_BYTES} bytes are kept",
            id="a summary, in the usage of taskyard-report",
        ),
        pytest.param(
            "operator/init/report.c",
            f"at most {limits.MAX_OUTPUTS}, of at most {limits.MAX_OUTPUT_VALUE_BYTES} bytes each",
            id="outputs, in the usage of taskyard-report",
        ),
    ],
)
def test_a_limit_is_told_as_it_is(file: str, says: str) -> None:
    assert says in (REPOSITORY / file).read_text()

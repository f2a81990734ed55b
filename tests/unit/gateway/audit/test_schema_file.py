"""The schema of the audit log's lines."""

import json
import re
from typing import Any

import pytest
from jsonschema_rs import ValidationError, validator_for

from localcluster.locations import REPOSITORY
from taskyard.gateway.audit.line import Line, Verb, encoded
from taskyard.gateway.audit.schema_file import schema
from unit.gateway.audit.test_line import line

PAGE = (REPOSITORY / "docs" / "audit.md").read_text()


def example() -> dict[str, Any]:
    """The line that the page shows."""
    found = re.search(r"^```json\n(.*)\n```$", PAGE, re.MULTILINE)
    assert found
    shown: dict[str, Any] = json.loads(found[1])
    return shown


def test_the_committed_schema_is_that_of_the_model() -> None:
    assert json.loads((REPOSITORY / "docs" / "audit.schema.json").read_text()) == schema()


def test_a_line_is_of_the_schema() -> None:
    document = json.loads(encoded(line()))
    validator_for(schema()).validate(document)
    for member in document:
        with pytest.raises(ValidationError):
            validator_for(schema()).validate({name: part for name, part in document.items() if name != member})
    with pytest.raises(ValidationError):
        validator_for(schema()).validate({**document, "prompt": "Fix the build"})


def test_the_line_on_the_page_is_a_whole_one() -> None:
    shown = example()
    validator_for(schema()).validate(shown)
    assert list(shown) == list(json.loads(encoded(line()))), "in the order in which they are written"
    assert Line.model_validate(shown).text is not None


def test_the_page_has_all_verbs_and_members() -> None:
    for word in (*Verb, *json.loads(encoded(line()))):
        assert f"`{word}`" in PAGE or f"`{word}." in PAGE or word == "audit", word

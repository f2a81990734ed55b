"""The OpenAPI document, and the page that is generated from it."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import validator_for

from localcluster.locations import REPOSITORY
from taskyard.gateway.rest import openapi_file
from taskyard.gateway.rest.openapi.docs_html import page

DOCUMENT = openapi_file.document()


OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def test_the_committed_document_is_the_one_of_the_routes() -> None:
    assert json.loads((REPOSITORY / "docs" / "openapi.json").read_text()) == DOCUMENT


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_an_operation_tells_all_that_a_client_has_to_know(path: str, method: str, operation: Any) -> None:
    assert operation["summary"]
    assert operation["tags"]
    assert "422" not in operation["responses"]
    if operation.get("security") != []:
        assert {"401", "429", "503"} <= set(operation["responses"])
    for parameter in operation.get("parameters", []):
        assert parameter["description"], parameter
        assert "example" in parameter, parameter
    if method in ("post", "patch") and "requestBody" in operation:
        assert {"400", "408"} <= set(operation["responses"])


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_its_examples_are_of_their_schemas(path: str, method: str, operation: Any) -> None:
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    media = [
        content["application/json"]
        for content in (part.get("content", {}) for part in (*bodies, *operation["responses"].values()))
        if "application/json" in content
    ]
    for part in media:
        schema = {**part["schema"], "components": DOCUMENT["components"]}
        validator_for(schema, validate_formats=True).validate(part["example"])


def test_the_page_shows_each_operation_and_fetches_nothing() -> None:
    shown = page(DOCUMENT)
    for path in DOCUMENT["paths"]:
        assert path in shown
    assert "<script" not in shown
    assert re.findall(r'(?:src|href)="(?!#|openapi\.json)[^"]*"', shown) == []
    assert "url(" not in shown


def test_what_a_document_says_is_text_on_the_page() -> None:
    document = {**DOCUMENT, "info": {"title": "<script>x</script>", "version": "1", "description": "a `b<c>` d"}}
    shown = page(document)
    assert "<script" not in shown
    assert "a <code>b&lt;c&gt;</code> d" in shown


def test_check_names_the_command_that_mends_a_stale_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "openapi.json"

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["openapi_file", str(path), *arguments])
        return openapi_file.main()

    assert run("--check") == 1
    assert "run `make generate`" in capsys.readouterr().err
    assert run() == 0
    assert run("--check") == 0
    path.write_text(path.read_text() + "\n")
    assert run("--check") == 1

"""The CRDs: structural, described, and identical to the files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from taskyard.api import crd
from taskyard.api.crd import KINDS, Kind, definition, structural

ROOT = Path(__file__).parents[3]
# The fields that the API server accepts in a structural schema, as far as they are used here.
KEYWORDS = {
    "type",
    "description",
    "default",
    "enum",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "additionalProperties",
    "required",
    "properties",
    "items",
    "x-kubernetes-validations",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-int-or-string",
}
# They are Kubernetes' own types, described there.
UNDESCRIBED = {"apiVersion", "kind", "metadata"}

Schema = dict[str, Any]

kinds = pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.model.__name__) for kind in KINDS])


def schema_of(kind: Kind) -> Schema:
    (version,) = definition(kind)["spec"]["versions"]
    return dict(version["schema"]["openAPIV3Schema"])


def parts(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema within a schema, with its path."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from parts(part, f"{path}.{name}")
    if "items" in schema:
        yield from parts(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from parts(schema["additionalProperties"], f"{path}{{}}")


@kinds
def test_the_schema_is_structural(kind: Kind) -> None:
    for path, schema in parts(schema_of(kind)):
        assert schema.keys() <= KEYWORDS, path
        # A quantity has no type: it may be written as a number.
        assert isinstance(schema.get("type"), str) != schema.get("x-kubernetes-int-or-string", False), path
        if schema.get("type") == "array":
            assert "items" in schema, path
        assert not {"properties", "additionalProperties"} <= schema.keys(), path


@kinds
def test_every_field_is_described(kind: Kind) -> None:
    lacking = [
        path
        for path, schema in parts(schema_of(kind))
        if not schema.get("description") and path.lstrip(".") not in UNDESCRIBED and not path.endswith(("[]", "{}"))
    ]
    assert lacking == []


@kinds
def test_what_is_required_exists_and_has_no_default(kind: Kind) -> None:
    for path, schema in parts(schema_of(kind)):
        for name in schema.get("required", ()):
            assert "default" not in schema["properties"][name], f"{path}.{name}"


@kinds
def test_columns_refer_to_fields(kind: Kind) -> None:
    known = {path for path, _ in parts(schema_of(kind))} | {".metadata.creationTimestamp"}
    for column in kind.columns:
        path = column.path.split("[?", 1)[0]
        assert path in known, column.name


@kinds
def test_every_rule_says_what_is_wrong(kind: Kind) -> None:
    for path, schema in parts(schema_of(kind)):
        for rule in schema.get("x-kubernetes-validations", ()):
            assert rule["message"], path
            assert rule["rule"], path


@kinds
def test_the_fields_that_a_rule_reads_are_bounded(kind: Kind) -> None:
    # The API server estimates a rule's cost from the longest possible value, and refuses rules that cost too much.
    for path, schema in parts(schema_of(kind)):
        if schema.get("type") == "string" and "x-kubernetes-validations" in schema:
            assert "maxLength" in schema, path


@kinds
def test_the_definition_around_the_schema(kind: Kind) -> None:
    found = definition(kind)
    spec = found["spec"]
    assert found["metadata"]["name"] == f"{spec['names']['plural']}.taskyard.dev"
    assert spec["scope"] == "Namespaced"
    assert spec["names"]["categories"] == ["taskyard"]
    (version,) = spec["versions"]
    assert (version["name"], version["served"], version["storage"]) == ("v1alpha1", True, True)
    assert version["subresources"] == {"status": {}}


def test_no_name_is_used_twice() -> None:
    found = [definition(kind)["spec"]["names"] for kind in KINDS]
    words = [word for names in found for word in (names["plural"], names["singular"], *names["shortNames"])]
    assert len(words) == len(set(words))
    assert "task" not in [word for names in found for word in names["shortNames"]]


def test_the_columns_of_tasks() -> None:
    (kind,) = [kind for kind in KINDS if kind.plural == "tasks"]
    assert [column.name for column in kind.columns if not column.priority] == [
        "Status",
        "State",
        "Reason",
        "Message",
        "Template",
        "Age",
    ]
    assert [column.name for column in kind.columns if column.priority] == ["Build", "Pod", "Display Name", "Cause"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"type": "string", "title": "A"}, {"type": "string"}, id="titles are removed"),
        pytest.param(
            {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None, "description": "d"},
            {"type": "integer", "minimum": 1, "description": "d"},
            id="optional fields are fields",
        ),
        pytest.param(
            {"$ref": "#/$defs/Colour", "description": "own", "default": "red"},
            {"type": "string", "enum": ["red"], "description": "own", "default": "red"},
            id="references are inlined, the field's own description wins",
        ),
        pytest.param(
            {"anyOf": [{"$ref": "#/$defs/Colour"}, {"type": "null"}], "default": None},
            {"type": "string", "enum": ["red"], "description": "A colour."},
            id="optional references",
        ),
        pytest.param(
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"title": {"type": "string", "title": "T"}},
            },
            {"type": "object", "properties": {"title": {"type": "string"}}},
            id="a property may be called title",
        ),
        pytest.param(
            {"type": "array", "items": {"$ref": "#/$defs/Colour"}},
            {"type": "array", "items": {"type": "string", "enum": ["red"], "description": "A colour."}},
            id="items",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "string", "title": "T"}},
            {"type": "object", "additionalProperties": {"type": "string"}},
            id="a map of strings",
        ),
        pytest.param(
            {"type": "boolean", "default": False}, {"type": "boolean", "default": False}, id="defaults are kept"
        ),
    ],
)
def test_structural(given: Schema, expected: Schema) -> None:
    colour = {"type": "string", "enum": ["red"], "title": "Colour", "description": "A colour."}
    assert structural(given, {"Colour": colour}) == expected


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "taskyard.api.crd", *map(str, arguments)],
        cwd=ROOT / "operator",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_files_are_written_and_checked(tmp_path: Path) -> None:
    assert generate(tmp_path / "a", tmp_path / "b").returncode == 0
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(crd.documents())
    assert generate("--check", tmp_path / "a", tmp_path / "b").returncode == 0
    stale = tmp_path / "b" / names[0]
    stale.write_text(stale.read_text() + "x: y\n")
    answer = generate("--check", tmp_path / "a", tmp_path / "b")
    assert answer.returncode == 1
    assert answer.stderr == f"out of date: {stale}; run `make generate`\n"


@pytest.mark.parametrize("folder", ["crds", "charts/taskyard/files/crds"])
def test_the_files_of_this_repository_match_the_models(folder: str) -> None:
    for name, text in crd.documents().items():
        assert (ROOT / folder / name).read_text() == text, "run `make generate`"
        assert yaml.safe_load(text)["kind"] == "CustomResourceDefinition"

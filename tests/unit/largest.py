"""The largest object of each kind that the API server admits, made from its schema, and what is kept of it.

What people write is as long as the schema allows, in characters that take the most memory. What only Taskyard writes,
the status, is as long as Taskyard makes it (docs/operations.md).
"""

from __future__ import annotations

import gc
import json
import re
import tracemalloc
from collections.abc import Callable
from typing import Any

from taskyard.api import crd
from taskyard.core.text_limits import MAX_MESSAGE_CHARACTERS
from taskyard.watchcache.kind import Kind

Object = dict[str, Any]

# Four bytes in memory and in UTF-8.
WIDE = "\N{GRINNING FACE}"
CONDITIONS = {"tasks": 9}
# Of all annotations together Kubernetes takes 256 KiB, of other metadata as much as fits into an object.
LARGE = 20_000
KEPT_OBJECTS = 4
# `policies.objects.maxParameterBytes` of the chart bounds values and defaults together.
PARAMETER_BYTES = 64 << 10


def largest(plural: str, number: int = 0) -> Object:
    """The largest object of one of our kinds; those of different numbers have no text in common."""
    (kind,) = (kind for kind in crd.KINDS if kind.plural == plural)
    schema = crd.definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    longest = 52 if plural == "tasks" else 63 if plural == "templateversions" else 253
    found: Object = {"metadata": metadata(number, longest)}
    found["spec"] = _filled(schema["spec"], number, in_status=False)
    _within_policy(found["spec"])
    if "status" in schema:
        found["status"] = _filled(schema["status"], number, in_status=True)
        if "conditions" in found["status"]:
            del found["status"]["conditions"][CONDITIONS.get(plural, 1) :]
        if "observedUID" in found["status"]:
            found["status"]["observedUID"] = found["metadata"]["uid"]
    return found


def metadata(number: int = 0, longest: int = 253) -> Object:
    """Metadata with all that people may write into them."""
    references = [
        {
            "apiVersion": "taskyard.dev/v1alpha1",
            "kind": "Task",
            "name": f"{number}-{reference}" + "n" * LARGE,
            "uid": f"{number}-{reference}" + "u" * LARGE,
            "controller": reference == 0,
        }
        for reference in range(3)
    ]
    names = ("resumed-at", "adoptable-by", "agent-container", "user", "created-by", "notes")
    return {
        "name": f"{number:06}" + "a" * (longest - 6),
        "namespace": f"{number:06}" + "b" * 57,
        "uid": f"11111111-1111-4111-8111-{number:012}",
        "resourceVersion": str(number + 1),
        "generation": 1,
        "creationTimestamp": "2026-01-31T12:00:00Z",
        "labels": {f"label-{label}": "x" * 63 for label in range(64)}
        | {"taskyard.dev/task": f"{number:06}" + "t" * 40},
        "annotations": {f"taskyard.dev/{name}": f"{number}" + "x" * LARGE for name in names},
        "ownerReferences": references,
        "managedFields": [{"manager": "m" * 100, "fieldsV1": {"f:" + "m" * LARGE: {}}}],
    }


def kept_bytes(kind: Callable[[], Kind[Any]], make: Callable[[int], Object]) -> float:
    """The bytes that are allocated for each view of such objects, and stay."""
    decoder = kind()
    raw = [json.dumps(make(number)).encode() for number in range(KEPT_OBJECTS + 1)]
    views = [decoder.decode(raw[-1])]
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        views += [decoder.decode(found) for found in raw[:-1]]
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / KEPT_OBJECTS
    finally:
        tracemalloc.stop()


def _within_policy(spec: Object) -> None:
    """Shortens the values of parameters, of presets too, to what a policy allows of them together."""
    parameters = [*spec.get("parameters", ()), *(p for preset in spec.get("presets", ()) for p in preset["parameters"])]
    for parameter in parameters:
        for field in ("value", "default"):
            if field in parameter:
                parameter[field] = WIDE * (PARAMETER_BYTES // 4 // len(parameters))


def _filled(schema: Object, number: int, *, in_status: bool, field: str = "", entry: int = 0) -> Any:
    if field == "pod" and not in_status:
        return {"spec": {"containers": [{"name": "agent", "command": ["x" * LARGE]}], "volumes": [{}] * 10_000}}
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object" if "properties" in schema:
            return {
                name: _filled(part, number, in_status=in_status, field=name, entry=entry)
                for name, part in schema["properties"].items()
            }
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            part = schema["additionalProperties"]
            return {
                f"{number}-{key}" + "k" * 240: _filled(part, number, in_status=in_status)
                for key in range(schema.get("maxProperties", 16))
            }
        case "object":
            return {}
        case "array":
            most = schema.get("maxItems", 16 if field == "conditions" else 64)
            return [
                _filled(schema["items"], number, in_status=in_status, entry=entry) for entry in range(min(most, 64))
            ]
        case "integer":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            return _text(schema, number, in_status=in_status, field=field, entry=entry)
        case _:
            return "1"  # a quantity, or what the schema leaves open


def _text(schema: Object, number: int, *, in_status: bool, field: str, entry: int) -> str:
    if schema.get("format") == "date-time":
        return "2026-01-31T12:00:00Z"
    most = schema.get("maxLength", MAX_MESSAGE_CHARACTERS if field == "message" else 253)
    if in_status:
        most = min(most, 63 if field in ("type", "reason") else MAX_MESSAGE_CHARACTERS)
    mark = f"{number:06}{entry:02}"
    wide = WIDE * (most - len(mark)) + mark
    plain = "a" * (most - len(mark) - 1) + mark + "a"
    candidates = [plain] if in_status else [wide, plain, "1" * (most - 2) + "Gi", f"/{plain[1:]}"]
    pattern = schema.get("pattern", "")
    return next((text for text in candidates if re.search(pattern, text)), "1Gi")

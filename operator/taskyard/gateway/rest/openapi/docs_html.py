"""The OpenAPI document as a page for people. The page is self-contained, without scripts or external resources, so it
works in clusters without internet access, and it has no field that invites anybody to enter a token. Pure."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """\
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; }
pre { background: var(--soft); overflow: auto; padding: .5rem; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .4rem 0; padding: .4rem .7rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary b { display: inline-block; min-width: 4.5rem; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .25rem .5rem .25rem 0; text-align: left; vertical-align: top; }
"""
_METHODS = ("get", "post", "patch", "delete")


def page(document: Mapping[str, Any]) -> str:
    """The whole page."""
    info = document["info"]
    title = f"{info['title']} {info['version']}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            *(f"<p>{_marked(part)}</p>" for part in info["description"].split("\n\n")),
            '<p>For programs: <a href="openapi.json">openapi.json</a>.</p>',
            *_operations(document),
            "<h2>Shapes</h2>",
            *(_shape(name, schema) for name, schema in document["components"]["schemas"].items()),
            "</body></html>\n",
        ]
    )


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    tag = ""
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method not in operations:
                continue
            operation = operations[method]
            [found] = operation["tags"]
            if found != tag:
                tag = found
                yield f"<h2>{escape(tag)}</h2>"
            yield _operation(method.upper(), path, operation, document["components"]["responses"])


def _operation(method: str, path: str, operation: Mapping[str, Any], faults: Mapping[str, Any]) -> str:
    parts = [
        f'<details id="{escape(operation["operationId"])}"><summary><b>{method}</b> <code>{escape(path)}</code> '
        f"{escape(operation['summary'])}</summary>"
    ]
    if operation.get("description"):
        parts.append(f"<p>{_marked(operation['description'])}</p>")
    if operation.get("parameters"):
        rows = (
            f"<tr><td><code>{escape(entry['name'])}</code></td><td>{entry['in']}</td>"
            f"<td>{_type(entry['schema'])}</td><td>{_marked(entry['description'])}</td></tr>"
            for entry in operation["parameters"]
        )
        parts.append(f"<table><tr><th>parameter</th><th>in</th><th>type</th><th></th></tr>{''.join(rows)}</table>")
    if "requestBody" in operation:
        parts.append(f"<p>Body:</p>{_content(operation['requestBody']['content'])}")
    for status, answer in operation["responses"].items():
        answer = faults[status] if "$ref" in answer else answer
        content = _content(answer["content"]) if status.startswith("2") and "content" in answer else ""
        parts.append(f"<p><b>{status}</b> {_marked(answer['description'])}</p>{content}")
    return "".join([*parts, "</details>"])


def _content(content: Mapping[str, Any]) -> str:
    parts = []
    for kind, media in content.items():
        example = media.get("example")
        shown = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
        of = f", {_type(media['schema'])}" if "schema" in media else f": {_events(media['itemSchema'])}"
        parts.append(f"<p>{escape(kind)}{of}</p><pre>{escape(shown)}</pre>")
    return "".join(parts)


def _events(schema: Mapping[str, Any]) -> str:
    kinds = (event["properties"] for event in schema["oneOf"])
    return ", ".join(f"<code>{kind['event']['const']}</code> {_type(kind['data']['contentSchema'])}" for kind in kinds)


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    absent = dict.fromkeys(schema.get("required", ()), "")
    rows = (
        f"<tr><td><code>{escape(field)}</code></td><td>{_type(part)}{absent.get(field, ', may be absent')}</td>"
        f"<td>{_marked(part.get('description', ''))}</td></tr>"
        for field, part in schema.get("properties", {}).items()
    )
    return (
        f'<details id="shape-{escape(name)}"><summary><code>{escape(name)}</code> '
        f"{_marked(' '.join(schema.get('description', '').split()))}</summary><table>{''.join(rows)}</table></details>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#shape-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if schema.get("items") else "list"
    words = [str(schema.get("format") or schema.get("type", "any"))]
    limits = {"minimum": "at least", "maximum": "at most", "maxLength": "at most"}
    words += [f"{word} {schema[key]}" for key, word in limits.items() if key in schema]
    return escape(", ".join(words))


def _marked(text: str) -> str:
    """Text in which `code` is marked up."""
    parts = escape(" ".join(text.split())).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))

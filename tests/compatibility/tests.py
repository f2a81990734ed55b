"""Finds which tests name which rows. Pure: sources in, findings out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

_ROW = re.compile(r"(?<![\w.-])[1-9](?:\.\d{1,2})?-[a-z0-9]+(?![\w-])")
_NOT_RUN = ("skip", "skipif", "xfail")


@dataclass(frozen=True)
class Naming:
    """A test function that names a row. `runs` is False if the test or case is skipped or expected to fail."""

    row: str
    test: str
    runs: bool


def namings(source: str) -> Iterator[Naming]:
    """All rows that a test module names: in the docstrings of its tests and in the ids of their cases. A named table of
    cases counts for every test that is parametrized with it."""
    module = ast.parse(source)
    tables = {
        target.id: statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name.startswith("test"):
            yield from _of_test(function, tables)


def _of_test(function: ast.FunctionDef | ast.AsyncFunctionDef, tables: dict[str, ast.expr]) -> Iterator[Naming]:
    runs = not any(_is_not_run(decorator) for decorator in function.decorator_list)
    for row in _ROW.findall(ast.get_docstring(function) or ""):
        yield Naming(row, function.name, runs)
    for decorator in function.decorator_list:
        for part in ast.walk(decorator):
            table = tables.get(part.id) if isinstance(part, ast.Name) else None
            for node in [part] if table is None else list(ast.walk(table)):
                for row in _rows_of_case(node):
                    yield Naming(row, function.name, runs and not any(map(_is_not_run, ast.walk(node))))


def _rows_of_case(node: ast.AST) -> list[str]:
    """The rows in the id of a `pytest.param(…, id=…)`."""
    if not isinstance(node, ast.Call):
        return []
    ids = [word.value for word in node.keywords if word.arg == "id"]
    return [row for value in ids if isinstance(value, ast.Constant) for row in _ROW.findall(str(value.value))]


def _is_not_run(node: ast.AST) -> bool:
    """Whether the decorator is `pytest.mark.skip` or similar, called or not."""
    name = node.func if isinstance(node, ast.Call) else node
    return isinstance(name, ast.Attribute) and name.attr in _NOT_RUN and "mark" in ast.dump(name.value)

"""The commands in messages can be copied as they are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.locations import REPOSITORY
from taskyard.core import kubectl
from unit.core.builders import pod

SOURCES = REPOSITORY / "operator" / "taskyard"
# In docstrings commands are named, not told to anybody; `api` has descriptions of fields, for which there is no object.
COMMAND = re.compile(r"kubectl (?!explain|get` shows|wait`)[a-z-]")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (kubectl.logs(pod(), "agent"), "kubectl logs web-1 -n team -c agent"),
        (kubectl.logs(pod(), "agent", previous=True), "kubectl logs web-1 -n team -c agent --previous"),
        (kubectl.describe_pod(pod()), "kubectl describe pod web-1 -n team"),
        (kubectl.describe_claims("team"), "kubectl describe pvc -n team"),
        (kubectl.delete_claim("team", "h"), "kubectl delete pvc h -n team"),
        (kubectl.annotate_claim("team", "h", "a=b", overwrite=True), "kubectl -n team annotate pvc h a=b --overwrite"),
        (kubectl.annotate_claim("team", "h", "a=b", overwrite=False), "kubectl -n team annotate pvc h a=b"),
        (
            kubectl.create_secret("team", "receiver", "url"),
            "kubectl -n team create secret generic receiver --from-literal=url=ADDRESS",
        ),
        (
            kubectl.grant_secret("team", "receiver", role="reads", account="taskyard:notifier"),
            "kubectl -n team create role reads --verb=get --resource=secrets --resource-name=receiver && "
            "kubectl -n team create rolebinding reads --role=reads --serviceaccount=taskyard:notifier",
        ),
    ],
)
def test_each_command_names_its_namespace(command: str, expected: str) -> None:
    assert command == expected


def texts(source: Path) -> Iterator[str]:
    """The texts of a module, without its docstrings."""
    tree = ast.parse(source.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_messages_have_their_commands_from_there() -> None:
    elsewhere = {
        str(source.relative_to(SOURCES)): text
        for source in SOURCES.rglob("*.py")
        if source.name != "kubectl.py" and "api" not in source.relative_to(SOURCES).parts
        for text in texts(source)
        if COMMAND.search(text)
    }
    assert elsewhere == {}

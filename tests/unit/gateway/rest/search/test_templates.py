"""The query of `GET /templates?q=`."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.cache.template_lookup import TemplateFamily
from taskyard.gateway.rest.search.templates import TemplateQuery, parse
from taskyard.gateway.rest.search.terms import QueryError

UID, OTHER_UID = "8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11", "3b2f7f0c-52a1-4a7f-8d1c-1f6a9f2b7e20"


def family(**fields: Any) -> TemplateFamily:
    active = {"spec": {"agent": {"protocol": "Terminal"}}}
    known = {"name": "claude", "display_name": "Claude Code", "active": active} | fields
    return TemplateFamily(id=UID, namespace="team", description="", icon="", created_at="", **known)


def owner(user: str = "Jane@example.com") -> Owner:
    return Owner(namespace="team", id=OTHER_UID, user=user, created_at="")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        pytest.param("", TemplateQuery(), id="all"),
        pytest.param(
            f'organization:"{UID}" has-ai-task:true',
            TemplateQuery(organization=UID, has_ai_task=True),
            id="as the command line asks",
        ),
        pytest.param('exact_name:"Claude"', TemplateQuery(exact_name="claude"), id="an exact name"),
        pytest.param("Claude Code", TemplateQuery(display_name="claude code"), id="bare words are a title"),
    ],
)
def test_parse(text: str, query: TemplateQuery) -> None:
    """C4."""
    assert parse(text) == query


@pytest.mark.parametrize("text", ["colour:red", "has-ai-task:perhaps", "ids:1", "name:a name:b"])
def test_what_is_no_query(text: str) -> None:
    """C4."""
    with pytest.raises(QueryError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        pytest.param("name:lau", True, id="a part of the name"),
        pytest.param("name:x", False, id="no part of the name"),
        pytest.param("exact_name:CLAUDE", True, id="the exact name in capitals"),
        pytest.param("exact_name:claud", False, id="not the exact name"),
        pytest.param("code", True, id="a part of the title"),
        pytest.param('exact_display_name:"claude code"', True, id="the exact title"),
        pytest.param("exact_display_name:claude", False, id="not the exact title"),
        pytest.param("has-ai-task:true", True, id="for Tasks"),
        pytest.param("has-ai-task:false", False, id="not for Tasks"),
        pytest.param("deprecated:false deleted:false has_external_agent:false", True, id="nothing is ever that"),
        pytest.param("deprecated:true", False, id="deprecated"),
        pytest.param("deleted:true", False, id="deleted"),
        pytest.param("has_external_agent:true", False, id="an external agent"),
        pytest.param(f"ids:{OTHER_UID},{UID}", True, id="by its id"),
        pytest.param(f"ids:{OTHER_UID}", False, id="another id"),
        pytest.param("author:team", True, id="by its namespace"),
        pytest.param("author:jane@example.com", True, id="by its user"),
        pytest.param("author:other", False, id="of another"),
        pytest.param(f"author_id:{OTHER_UID}", True, id="by its namespace's UID"),
        pytest.param(f"author_id:{UID}", False, id="of another UID"),
    ],
)
def test_what_a_query_selects(text: str, takes: bool) -> None:
    """C4."""
    assert parse(text).takes(family(), owner()) is takes


def test_without_a_title_the_name_is_searched() -> None:
    assert parse("claude").takes(family(display_name=""), owner())


def test_a_template_whose_active_version_has_no_agent_is_not_for_tasks() -> None:
    plain = family(active={"spec": {}})
    assert parse("has-ai-task:false").takes(plain, owner())
    assert not parse("has-ai-task:true").takes(plain, owner())

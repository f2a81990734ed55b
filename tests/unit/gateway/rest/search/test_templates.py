"""The query of `GET /templates?q=`, and which template a name stands for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.template import TEMPLATE_VERSION, TemplateVersionView
from taskyard.gateway.rest.cache.template_lookup import TemplateFamily
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.search.templates import TemplateQuery, named, parse
from taskyard.gateway.rest.search.terms import QueryError
from unit.gateway.rest.objects import metadata

UID, OTHER_UID = "8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11", "3b2f7f0c-52a1-4a7f-8d1c-1f6a9f2b7e20"


def version(*, has_agent: bool) -> TemplateVersionView:
    agent = {"agent": {"protocol": "Terminal"}} if has_agent else {}
    return TEMPLATE_VERSION.of({"metadata": metadata("claude-v1"), "spec": {"template": "claude", **agent}})


def family(**fields: Any) -> TemplateFamily:
    active = version(has_agent=True)
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
    plain = family(active=version(has_agent=False))
    assert parse("has-ai-task:false").takes(plain, owner())
    assert not parse("has-ai-task:true").takes(plain, owner())


class Searching:
    """A caller of the namespace `home` who may see every template of the cache."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.authorization = self

    async def namespaces(self, person: Person, verb: str, resource: str, names: Iterable[str]) -> frozenset[str]:
        return frozenset(names)

    def home(self, person: Person) -> str:
        return "home"

    def owner(self, text: str, person: Person) -> Owner:
        return Owner(namespace=text, id="", user="", created_at="")


async def found_by_name(*families: tuple[str, bool], **options: str) -> str:
    """The namespace whose template `shell` a name stands for, of namespaces where it is usable or not."""
    cache = Cache()
    for namespace, is_usable in families:
        metadata = {"name": "shell", "namespace": namespace, "uid": f"uid-{namespace}", "resourceVersion": "1"}
        known = {"creationTimestamp": "2026-01-31T12:00:00Z"}
        cache.templates.put({"metadata": metadata | known, "spec": {"activeVersion": "shell-v1"}, "status": {}})
        if is_usable:
            version = metadata | known | {"name": "shell-v1", "uid": f"uid-{namespace}-v1"}
            cache.template_versions.put({"metadata": version, "spec": {"template": "shell"}, "status": {}})
    context = cast(RestContext, Searching(cache))
    return (await named(context, cast(Person, None), "shell", **options)).namespace


@pytest.mark.parametrize(
    ("families", "found"),
    [
        pytest.param([("a", False), ("b", True)], "b", id="the usable one of two"),
        pytest.param([("a", False), ("b", True), ("c", False)], "b", id="the usable one of three"),
        pytest.param([("a", True), ("home", True)], "home", id="the caller's own"),
        pytest.param([("a", True), ("home", False)], "home", id="the caller's own, even if nobody can use it"),
        pytest.param([("a", False)], "a", id="the only one, even if nobody can use it"),
    ],
)
async def test_a_name_stands_for_the_template_that_can_be_used(families: list[tuple[str, bool]], found: str) -> None:
    """C2."""
    assert await found_by_name(*families) == found


@pytest.mark.parametrize("usable", [True, False])
async def test_a_name_that_several_usable_templates_have_is_ambiguous(usable: bool) -> None:
    """C2: as it is if none of them can be used."""
    with pytest.raises(HttpError) as caught:
        await found_by_name(("a", usable), ("b", usable), ("c", False))
    assert caught.value.status == 400
    assert ("c/shell" in caught.value.detail) is not usable


async def test_the_namespace_decides() -> None:
    assert await found_by_name(("a", False), ("b", True), namespace="a") == "a"

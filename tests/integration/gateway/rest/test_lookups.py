"""Section 6 of the contract: what clients look up before they create a Task, by name and by query."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.rest_namespace import NOT_FOUND, RestNamespace, active, paused
from manifests import template, template_version
from taskyard.core.security.keyring import Keyring


@pytest.fixture
def organization(ns: RestNamespace) -> str:
    """The UUID of the one organization."""
    return str(ns.owner.get("/organizations").json()[0]["id"])


@pytest.fixture
def guests(admin: Administrator, gateway: Gateway, keyring: Keyring) -> Iterator[list[RestNamespace]]:
    """Two more namespaces."""
    made = []
    for _ in range(2):
        name = f"guest-{uuid.uuid4().hex[:8]}"
        admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
        made.append(RestNamespace(admin, gateway, keyring, name))
    yield made
    for namespace in made:
        namespace.close()


def test_the_organizations_of_a_user(ns: RestNamespace, other_ns: RestNamespace, organization: str) -> None:
    """C1, 6-organizations."""
    known = ns.owner.get("/organizations").json()
    for user in ("me", "ME", ns.name):
        assert ns.owner.get(f"/users/{user}/organizations").json() == known
        assert ns.owner.get(f"/users/{user}/organizations/default").json() == known[0]
        assert ns.owner.get(f"/users/{user}/organizations/{organization.upper()}").json() == known[0]
    assert ns.as_("nobody").get("/users/me/organizations").json() == known
    for user in (other_ns.name, "no-such-ns"):
        answer = ns.owner.get(f"/users/{user}/organizations")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
    assert ns.owner.get("/users/me/organizations/other").json() == NOT_FOUND


def test_a_member_of_an_organization(ns: RestNamespace, other_ns: RestNamespace, organization: str) -> None:
    """C6, 6-member."""
    me = ns.owner.get("/users/me").json()
    for place in ("default", organization):
        member = ns.owner.get(f"/organizations/{place}/members/me").json()
        assert (member["user_id"], member["username"], member["name"]) == (me["id"], ns.name, me["name"])
        assert member["organization_id"] == organization
    assert ns.owner.get(f"/organizations/default/members/{other_ns.name}").json() == NOT_FOUND
    assert ns.owner.get("/organizations/other/members/me").json() == NOT_FOUND


@pytest.mark.parametrize("place", ["default", "Default", "{organization}"])
def test_a_template_by_its_name(ns: RestNamespace, organization: str, place: str) -> None:
    """C2, C6, 6-template, 6-templates."""
    path = f"/organizations/{place.format(organization=organization)}/templates"
    [listed] = ns.owner.get(path).json()
    for name in ("shell", "SHELL", f"{ns.name}/shell", "me/Shell", listed["id"]):
        answer = ns.owner.get(f"{path}/{name}")
        assert (answer.status_code, answer.json()) == (200, listed), name
    assert listed["active_version_id"] == ns.version["metadata"]["uid"]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/organizations/default/templates/nothing", id="6-hidden no such template"),
        pytest.param("/organizations/default/templates/{other}/shell", id="6-hidden a template of a hidden namespace"),
        pytest.param("/organizations/default/templates/{id}", id="6-hidden a hidden template by its id"),
        pytest.param("/organizations/default/templates/no-such-ns/shell", id="6-hidden no such namespace"),
        pytest.param("/organizations/other/templates", id="6-hidden templates of no such organization"),
        pytest.param("/organizations/other/templates/shell", id="6-hidden a template of no such organization"),
        pytest.param("/organizations/default/templates/shell/versions/shell-v9", id="6-hidden no such version"),
        pytest.param(
            "/organizations/default/templates/{other}/shell/versions/shell-v1", id="6-hidden a hidden version"
        ),
        pytest.param("/organizations/default/templates/nothing/versions/shell-v1", id="6-hidden of no template"),
        pytest.param("/users/{other}/workspace/hidden", id="6-hidden a workspace of a hidden namespace"),
        pytest.param("/users/me/workspace/nothing", id="6-hidden no such workspace"),
    ],
)
def test_what_is_hidden_is_not_found(ns: RestNamespace, other_ns: RestNamespace, path: str) -> None:
    """C2, C3, C6."""
    other_ns.task("hidden")
    [listed] = other_ns.owner.get("/organizations/default/templates").json()
    answer = ns.owner.get(path.format(other=other_ns.name, id=listed["id"]))
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_a_template_without_its_active_version_is_not_found(ns: RestNamespace) -> None:
    """C2."""
    ns.admin.create(ns.workspace.path("templates"), template("shell-v9"))
    ns.wait("/organizations/default/templates/shell", lambda answer: answer.status_code == 404)
    assert ns.owner.get("/organizations/default/templates").json() == []
    assert ns.owner.get("/organizations/default/templates/shell/versions/shell-v1").status_code == 200


def test_names_of_the_own_namespace_come_first_and_others_must_be_clear(
    ns: RestNamespace, guests: list[RestNamespace]
) -> None:
    """C2, 6-ambiguous."""
    own, [one, two] = ns.version["metadata"]["uid"], guests
    path = "/organizations/default/templates"
    for guest in guests:
        guest.admit(ns, role="owner")
        guest.admin.create(guest.workspace.path("templateversions"), template_version("claude-v1", template="claude"))
    ns.wait(path, lambda answer: len(answer.json()) == 5)
    listed = ns.owner.get(path).json()
    assert [entry["created_by_name"] for entry in listed[:1]] == [ns.name]
    # Its own namespace has one of that name.
    assert ns.owner.get(f"{path}/shell").json()["active_version_id"] == own
    # No longer its own: two others have it.
    answer = ns.owner.get(f"{path}/claude")
    assert answer.status_code == 400
    assert answer.json()["message"] == 'Several namespaces have a template "claude".'
    for guest in guests:
        assert f"{guest.name}/claude" in answer.json()["detail"]
    assert ns.owner.get(f"{path}/claude/versions/claude-v1").status_code == 400
    # A name with its namespace is clear.
    for guest in guests:
        version = ns.owner.get(f"{path}/{guest.name}/claude/versions/claude-v1").json()
        assert ns.owner.get(f"{path}/{guest.name}/claude").json()["active_version_id"] == version["id"]
    # And so is a name that only one of the namespaces that the caller sees has.
    one.admin.delete(one.workspace.path("templateversions", "claude-v1"))
    answer = ns.wait(f"{path}/claude", lambda answer: answer.status_code == 200)
    assert answer.json()["created_by_name"] == two.name


def test_a_version_by_its_name(ns: RestNamespace, organization: str) -> None:
    """C3, 6-version."""
    uid = ns.version["metadata"]["uid"]
    known = ns.owner.get(f"/templateversions/{uid}").json()
    for place in ("default", organization):
        for name in ("shell-v1", "Shell-V1", uid):
            answer = ns.owner.get(f"/organizations/{place}/templates/Shell/versions/{name}")
            assert (answer.status_code, answer.json()) == (200, known)
    # A version of another template is none of this one.
    ns.admin.create(ns.workspace.path("templateversions"), template_version("claude-v1", template="claude"))
    ns.wait("/organizations/default/templates/claude/versions/claude-v1", lambda answer: answer.status_code == 200)
    assert ns.owner.get("/organizations/default/templates/shell/versions/claude-v1").json() == NOT_FOUND


def test_a_version_that_may_be_listed_but_not_read_is_not_found(ns: RestNamespace) -> None:
    """C3."""
    rules = [{"apiGroups": ["taskyard.dev"], "resources": ["templateversions"], "verbs": ["list"]}]
    ns.admin.patch(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ns.name}/roles/nobody", {"rules": rules})
    ns.wait("/organizations/default/templates/shell", lambda answer: answer.status_code == 200, role="nobody")
    answer = ns.as_("nobody").get("/organizations/default/templates/shell/versions/shell-v1")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("", ["claude", "plain", "shell"], id="6-search no query"),
        pytest.param('organization:"{organization}" has-ai-task:true', ["claude", "shell"], id="6-search for Tasks"),
        pytest.param("organization:default has-ai-task:false", ["plain"], id="6-search not for Tasks"),
        pytest.param('organization:"{organization}" exact_name:"Claude"', ["claude"], id="6-search an exact name"),
        pytest.param('name:"la"', ["claude", "plain"], id="6-search a part of the name"),
        pytest.param("author:me name:she", ["shell"], id="6-search an author"),
        pytest.param("claude code", ["claude"], id="6-search bare words"),
        pytest.param("exact_name:nothing", [], id="6-search what none has"),
    ],
)
def test_templates_by_query(ns: RestNamespace, organization: str, query: str, found: list[str]) -> None:
    """C4."""
    plain = template_version("plain-v1", template="plain")
    del plain["spec"]["agent"]
    titled = template_version("claude-v1", template="claude", displayName="Claude Code")
    for manifest in (plain, titled):
        ns.admin.create(ns.workspace.path("templateversions"), manifest)
    ns.wait("/templates", lambda answer: len(answer.json()) == 3)
    answer = ns.owner.get("/templates", params={"q": query.format(organization=organization)})
    assert answer.status_code == 200, answer.text
    assert [entry["name"] for entry in answer.json()] == found


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        pytest.param("/templates", "colour:red", "colour", id="6-searchkey templates: an unknown key"),
        pytest.param("/templates", "organization:other", "organization", id="6-searchkey templates: an organization"),
        pytest.param("/templates", "has-ai-task:perhaps", "has-ai-task", id="6-searchkey templates: no boolean"),
        pytest.param("/templates", "a:b:c", "q", id="6-searchkey templates: two colons"),
        pytest.param("/workspaces", "colour:red", "colour", id="6-searchkey workspaces: an unknown key"),
        pytest.param("/workspaces", "owner:kube-system", "owner", id="6-searchkey workspaces: a hidden owner"),
        pytest.param("/workspaces", "status:bogus", "status", id="6-searchkey workspaces: an unknown status"),
    ],
)
def test_400_with_what_is_wrong_with_a_query(ns: RestNamespace, path: str, query: str, field: str) -> None:
    """C4, C6."""
    answer = ns.owner.get(path, params={"q": query})
    assert answer.status_code == 400
    assert answer.json()["message"] == f"Invalid {path[1:-1]} search query."
    assert [fault["field"] for fault in answer.json()["validations"]] == [field]
    assert answer.json()["validations"][0]["detail"]


def test_a_workspace_by_its_owner_and_name(ns: RestNamespace) -> None:
    """C6, 6-workspace."""
    uid = ns.task(status=active())["metadata"]["uid"]
    known = ns.owner.get(f"/workspaces/{uid}").json()
    for path in ("me/workspace/hello", f"{ns.name}/workspace/HELLO", "me/workspace/hello?include_deleted=true"):
        assert ns.owner.get(f"/users/{path}").json() == known


def test_workspaces_by_query(ns: RestNamespace, other_ns: RestNamespace) -> None:
    """C6, 6-workspaces."""
    ns.task("still", status=paused())
    ns.task("zealous", status=active())
    other_ns.task("hidden")

    def names(query: str, **more: Any) -> list[str]:
        answer = ns.owner.get("/workspaces", params={"q": query, **more})
        assert answer.status_code == 200, answer.text
        return [entry["name"] for entry in answer.json()["workspaces"]]

    assert names("") == ["zealous", "still"]
    assert names('owner:"me"') == ["zealous", "still"]
    assert names("owner:me status:stopped") == ["still"]
    assert names("me/zeal") == ["zealous"]
    assert names("template:shell name:il") == ["still"]
    assert names("hidden") == []
    assert names("", limit=1, offset=1) == ["still"]
    page = ns.owner.get("/workspaces", params={"limit": 1}).json()
    assert (len(page["workspaces"]), page["count"]) == (1, 2)
    assert page["workspaces"] == [ns.owner.get("/users/me/workspace/zealous").json()]
    assert ns.as_("nobody").get("/workspaces").json() == {"workspaces": [], "count": 0}
    assert ns.owner.get("/workspaces", params={"limit": "x"}).status_code == 400

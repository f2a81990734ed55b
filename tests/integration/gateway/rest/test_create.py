"""Section 2.1 of the contract: POST /tasks/{user}, row by row."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from integration.gateway.rest.rest_namespace import NOT_FOUND, SECONDS, RestNamespace
from manifests import template_version

VERSION_NOT_FOUND = {"message": "Template version not found or you do not have access to this resource"}


def create(ns: RestNamespace, *, role: str = "owner", user: str = "me", **fields: Any) -> Any:
    body = {"template_version_id": ns.version["metadata"]["uid"], "input": "Fix user's dashboard", **fields}
    return ns.as_(role).post(f"/tasks/{user}", json={key: value for key, value in body.items() if value is not None})


def test_201_with_the_whole_response_object(ns: RestNamespace) -> None:
    """1-object."""
    answer = create(ns, name="mine", display_name=" A title ", template_version_preset_id="small")
    assert answer.status_code == 201, answer.text
    stored = ns.admin.get(ns.workspace.path("tasks", "mine"))
    namespace = ns.admin.get(f"/api/v1/namespaces/{ns.name}")["metadata"]
    cluster = ns.admin.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert stored["spec"] == {
        "prompt": "Fix user's dashboard",
        "templateVersion": "shell-v1",
        "displayName": "A title",
        "preset": "small",
        "paused": False,
    }
    task = answer.json()
    assert task.pop("template_id")
    assert task == {
        "id": stored["metadata"]["uid"],
        "organization_id": cluster,
        "owner_id": namespace["uid"],
        "owner_name": ns.name,
        "owner_avatar_url": "",
        "name": "mine",
        "display_name": "A title",
        "template_version_id": ns.version["metadata"]["uid"],
        "template_name": "shell",
        "template_display_name": "",
        "template_icon": "",
        "workspace_id": stored["metadata"]["uid"],
        "workspace_name": "mine",
        "workspace_status": "pending",
        "workspace_build_number": 0,
        "workspace_agent_id": None,
        "workspace_agent_lifecycle": None,
        "workspace_agent_health": None,
        "workspace_app_id": None,
        "initial_prompt": "Fix user's dashboard",
        "status": "pending",
        "current_state": None,
        "created_at": stored["metadata"]["creationTimestamp"],
        "updated_at": stored["metadata"]["creationTimestamp"],
    }
    assert ns.owner.get("/tasks/me/mine").json() == answer.json()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="2.1-1 bad JSON"),
        pytest.param(b'{"input": "x"}', id="2.1-1 no template version"),
        pytest.param(b'{"template_version_id": "x", "input": 1}', id="2.1-1 a prompt that is no text"),
        pytest.param(b'{"template_version_id": "", "input": "x"}', id="2.1-1 an empty template version"),
    ],
)
def test_400_for_a_body_that_is_none(ns: RestNamespace, body: bytes) -> None:
    answer = ns.owner.post("/tasks/me", content=body)
    assert answer.status_code == 400
    assert answer.json()["message"] in ("Request body must be valid JSON.", "Validation failed.")


@pytest.mark.parametrize(
    "identifier",
    [
        pytest.param(str(uuid.uuid4()), id="2.1-2 no such UUID"),
        pytest.param("no-such-version", id="2.1-2 no such name"),
    ],
)
def test_400_for_a_version_that_is_missing(ns: RestNamespace, identifier: str) -> None:
    answer = create(ns, template_version_id=identifier)
    assert (answer.status_code, answer.json()) == (400, VERSION_NOT_FOUND)


@pytest.mark.parametrize("role", [pytest.param("nobody", id="2.1-2 a version that the caller may not read")])
def test_400_for_a_version_that_is_unreadable(ns: RestNamespace, role: str) -> None:
    answer = create(ns, role=role)
    assert (answer.status_code, answer.json()) == (400, VERSION_NOT_FOUND)


def test_400_for_a_version_of_another_namespace(ns: RestNamespace, other_ns: RestNamespace) -> None:
    """2.1-2."""
    answer = create(ns, template_version_id=other_ns.version["metadata"]["uid"])
    assert (answer.status_code, answer.json()) == (400, VERSION_NOT_FOUND)


def test_400_for_a_version_without_an_agent(ns: RestNamespace) -> None:
    """2.1-4: checked before the name."""
    manifest = template_version("plain")
    del manifest["spec"]["agent"]
    plain = ns.admin.create(ns.workspace.path("templateversions"), manifest)
    ns.wait("/templateversions/plain", lambda answer: answer.status_code == 200)
    answer = create(ns, template_version_id=plain["metadata"]["uid"], name="new")
    assert answer.status_code == 400
    assert answer.json() == {"message": 'Template does not have a valid "coder_ai_task" resource.'}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("a" * 33, "must be <= 32 characters", id="2.1-5 too long"),
        pytest.param("new", 'cannot use "new" as a name', id="2.1-5 new"),
        pytest.param("create", 'cannot use "create" as a name', id="2.1-5 create"),
        pytest.param("-a", "must be alphanumeric with hyphens", id="2.1-5 a hyphen first"),
        pytest.param("a--b", "must be alphanumeric with hyphens", id="2.1-5 two hyphens"),
        pytest.param("a_b", "must be alphanumeric with hyphens", id="2.1-5 another character"),
    ],
)
def test_400_for_a_bad_name(ns: RestNamespace, name: str, reason: str) -> None:
    answer = create(ns, name=name, display_name="x" * 65)
    assert answer.status_code == 400
    assert answer.json() == {"message": "Unable to create a Task with the provided name.", "detail": reason}


def test_400_for_a_display_name_that_is_too_long(ns: RestNamespace) -> None:
    """2.1-6: in characters rather than bytes."""
    answer = create(ns, display_name="ü" * 65)
    assert (answer.status_code, answer.json()) == (400, {"message": "Display name must be 64 characters or less."})
    assert create(ns, display_name="ü" * 64 + "  ").json()["display_name"] == "ü" * 64


@pytest.mark.parametrize(
    ("fields", "name", "title"),
    [
        pytest.param({}, r"fix-users-dashboard-[0-9a-f]{4}", "Fix user's dashboard", id="2.1-7 both generated"),
        pytest.param({"name": "mine"}, "mine", "Fix user's dashboard", id="2.1-7 the display name generated"),
        pytest.param(
            {"display_name": "Mine"}, r"fix-users-dashboard-[0-9a-f]{4}", "Mine", id="2.1-7 the name generated"
        ),
        pytest.param({"input": "做一个网站"}, r"[a-z]+-[a-z]+-[0-9a-f]{4}", "做一个网站", id="2.1-7 no Latin letter"),
        pytest.param({"input": ""}, r"[a-z]+-[a-z]+-[0-9a-f]{4}", "[A-Z][a-z]+ [A-Z][a-z]+", id="2.1-input empty"),
        pytest.param({"name": "MiXed-Case"}, "mixed-case", "Fix user's dashboard", id="2.1-7 capitals in a name"),
    ],
)
def test_names(ns: RestNamespace, fields: Any, name: str, title: str) -> None:
    answer = create(ns, **fields)
    assert answer.status_code == 201, answer.text
    assert re.fullmatch(name, answer.json()["name"])
    assert re.fullmatch(title, answer.json()["display_name"])


@pytest.mark.parametrize("role", [pytest.param("reader", id="2.1-8 no right to create")])
def test_404_where_the_caller_may_not_create(ns: RestNamespace, role: str) -> None:
    ns.task("taken")
    for name in ("taken", "free"):
        answer = create(ns, role=role, name=name)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    "name", [pytest.param("taken", id="2.1-9 taken"), pytest.param("TAKEN", id="2.1-9 taken, in capitals")]
)
def test_409_for_a_name_that_is_taken(ns: RestNamespace, name: str) -> None:
    ns.task("taken")
    answer = create(ns, name=name)
    assert answer.status_code == 409
    assert answer.json() == {
        "message": 'Workspace "taken" already exists.',
        "validations": [{"field": "name", "detail": "This value is already in use and should be unique."}],
    }


def test_400_with_the_api_servers_word_for_what_it_refuses(ns: RestNamespace) -> None:
    """2.1-refused."""
    with policy_against(ns, "mine"):
        until = time.monotonic() + SECONDS
        while (answer := create(ns, name="mine")).status_code == 201:
            # A policy holds a moment after it was made.
            assert time.monotonic() < until
            ns.owner.delete("/tasks/me/mine")
    assert answer.status_code == 400
    assert "not this one" in answer.json()["detail"]


@contextmanager
def policy_against(ns: RestNamespace, task: str) -> Iterator[None]:
    """A policy of the cluster by which no Task in the namespace has that name."""
    path, name = "/apis/admissionregistration.k8s.io/v1", f"{ns.name}.example.test"
    tasks = {"apiGroups": ["taskyard.dev"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["tasks"]}
    rule = {"expression": f"object.metadata.name != '{task}'", "message": "not this one"}
    metadata = {"name": name}
    ns.admin.create(
        f"{path}/validatingadmissionpolicies",
        {
            "metadata": metadata,
            "spec": {"matchConstraints": {"resourceRules": [tasks]}, "validations": [rule], "failurePolicy": "Fail"},
        },
    )
    selected = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ns.name}}}
    ns.admin.create(
        f"{path}/validatingadmissionpolicybindings",
        {
            "metadata": metadata,
            "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": selected},
        },
    )
    try:
        yield
    finally:
        ns.admin.delete(f"{path}/validatingadmissionpolicybindings/{name}")
        ns.admin.delete(f"{path}/validatingadmissionpolicies/{name}")


@pytest.mark.parametrize(
    ("fields", "message", "field"),
    [
        pytest.param({"input": "a\ud800b"}, "Task input is not valid.", "input", id="2.1-text half a pair"),
        pytest.param({"input": "\udc00"}, "Task input is not valid.", "input", id="2.1-text the other half"),
        pytest.param({"input": "a\0b"}, "Task input is not valid.", "input", id="2.1-text NUL"),
        pytest.param({"input": "a" * 65_537}, "Task input is not valid.", "input", id="2.1-text too long"),
        pytest.param({"display_name": "a\ud800"}, "Validation failed.", "display_name", id="2.1-text a title"),
        pytest.param({"display_name": "a\0"}, "Validation failed.", "display_name", id="2.1-text a title with NUL"),
        pytest.param(
            {"template_version_id": "\ud800"}, "Validation failed.", "template_version_id", id="2.1-text a version"
        ),
        pytest.param(
            {"template_version_preset_id": "\ud800"},
            "Validation failed.",
            "template_version_preset_id",
            id="2.1-text a preset",
        ),
    ],
)
def test_400_for_text_that_cannot_be_stored(ns: RestNamespace, fields: Any, message: str, field: str) -> None:
    """K15."""
    body = {"template_version_id": ns.version["metadata"]["uid"], "input": "x", "name": "mine", **fields}
    # json.dumps escapes what UTF-8 cannot encode.
    answer = ns.owner.post("/tasks/me", content=json.dumps(body))
    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert [fault["field"] for fault in answer.json()["validations"]] == [field]
    assert ns.owner.get("/tasks").json()["count"] == 0


def test_400_for_half_a_surrogate_pair_in_a_name(ns: RestNamespace) -> None:
    """K15."""
    body = {"template_version_id": ns.version["metadata"]["uid"], "input": "x", "name": "a\ud800"}
    answer = ns.owner.post("/tasks/me", content=json.dumps(body))
    assert (answer.status_code, answer.json()["detail"]) == (400, "must be alphanumeric with hyphens")


def test_both_halves_of_a_pair_are_one_character(ns: RestNamespace) -> None:
    """K15."""
    body = json.dumps({"template_version_id": ns.version["metadata"]["uid"], "input": "x 🙂", "name": "mine"})
    assert "\\ud83d\\ude42" in body
    assert ns.owner.post("/tasks/me", content=body).json()["initial_prompt"] == "x 🙂"


def test_a_preset_is_named_by_its_id_and_an_unknown_one_is_refused(ns: RestNamespace) -> None:
    """2.1-preset."""
    presets = ns.owner.get(f"/templateversions/{ns.version['metadata']['uid']}/presets").json()
    small = next(preset["ID"] for preset in presets if preset["Name"] == "small")
    task = create(ns, template_version_preset_id=small, name="mine").json()
    assert ns.admin.get(ns.workspace.path("tasks", task["name"]))["spec"]["preset"] == "small"
    assert create(ns, template_version_preset_id=str(uuid.uuid4())).status_code == 400


def test_the_owner_is_a_namespace_by_name_by_uid_or_by_its_annotation(ns: RestNamespace) -> None:
    """2-user."""
    user = f"jane-{ns.name}@example.test"
    ns.admin.patch(f"/api/v1/namespaces/{ns.name}", {"metadata": {"annotations": {"taskyard.dev/user": user}}})
    uid = ns.admin.get(f"/api/v1/namespaces/{ns.name}")["metadata"]["uid"]
    ns.wait(f"/users/{user}", lambda answer: answer.status_code == 200)
    for number, owner in enumerate((ns.name, uid, user, user.upper(), "me", "ME")):
        answer = create(ns, user=owner, name=f"task-{number}")
        assert (answer.status_code, answer.json().get("owner_name")) == (201, ns.name)

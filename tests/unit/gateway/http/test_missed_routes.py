"""Requests that no route has, as an operator sees them in the log."""

from __future__ import annotations

import logging

import pytest

from taskyard.gateway.http.missed_routes import MAX_ROUTES, SECONDS, MissedRoutes, normalized

UID = "8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def missed(clock: Clock, caplog: pytest.LogCaptureFixture) -> MissedRoutes:
    caplog.set_level(logging.DEBUG)
    return MissedRoutes(clock)


def test_a_route_is_logged_once_a_minute(missed: MissedRoutes, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """C6."""
    for at in (0.0, 1.0, SECONDS - 1, SECONDS, SECONDS + 1):
        clock.now = at
        missed.missed("GET", f"/api/v2/workspaces/{UID}/watch")
    assert caplog.messages == ["no route for GET /api/v2/workspaces/{workspace}/watch"] * 2


def test_another_method_or_path_is_another_route(missed: MissedRoutes, caplog: pytest.LogCaptureFixture) -> None:
    missed.missed("GET", "/api/v2/files")
    missed.missed("POST", "/api/v2/files")
    missed.missed("GET", "/api/v2/groups")
    assert len(caplog.messages) == 3


def test_a_scan_does_not_fill_the_log_or_the_memory(
    missed: MissedRoutes, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    paths = [f"/v{one}/api/v{two}" for one in range(26) for two in range(26)]
    for path in paths * 2:
        missed.missed("GET", path)
    assert len(caplog.messages) == MAX_ROUTES + 1
    assert "others are not logged" in caplog.messages[-1]
    clock.now = SECONDS
    missed.missed("GET", "/v99")
    assert caplog.messages[-1] == "no route for GET /v99"


def test_nothing_is_kept_unless_it_is_logged(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    caplog.set_level(logging.INFO)
    missed = MissedRoutes(clock)
    missed.missed("GET", "/api/v2/files")
    caplog.set_level(logging.DEBUG)
    missed.missed("GET", "/api/v2/files")
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        pytest.param("/", "/", id="nothing"),
        pytest.param("/api/v2/deployment/config", "/api/v2/deployment/config", id="words"),
        pytest.param("/api/v1alpha1/state", "/api/v1alpha1/state", id="a version"),
        pytest.param("/api/v2/users/jane@example.com/keys", "/api/v2/users/{user}/keys", id="an e-mail address"),
        pytest.param("/api/v2/users/secret/keys", "/api/v2/users/{user}/keys", id="a name that looks like a word"),
        pytest.param("/api/v2/tasks/me/payroll/share", "/api/v2/tasks/{user}/{task}/share", id="a Task's name"),
        pytest.param(f"/api/v2/workspaceagents/{UID}/pty", "/api/v2/workspaceagents/{id}/pty", id="a UUID"),
        pytest.param("/api/v2/builds/17", "/api/v2/builds/{id}", id="a number"),
        pytest.param("/eyJhbGciOi.eyJzdWIi.c2ln", "/{id}", id="a token"),
        pytest.param("/api/v2/a\nb", "/api/v2/{id}", id="a line feed"),
        pytest.param("/api/v2/files/", "/api/v2/files/", id="a slash at the end"),
        pytest.param("/v2" * 40, "/v2" * 12 + "/…", id="a long path"),
        pytest.param("/chats/secret-project", "/chats/{id}", id="a name that looks like a route"),
        pytest.param("/hunter", "/{id}", id="a word that is no route"),
        pytest.param("/" + "x" * 5000, "/{id}", id="a long segment"),
    ],
)
def test_the_path_has_no_names_and_no_secrets(path: str, shown: str) -> None:
    assert normalized(path) == shown


def test_a_method_that_is_none_is_not_repeated(missed: MissedRoutes, caplog: pytest.LogCaptureFixture) -> None:
    missed.missed("GET\nX", "/api")
    assert caplog.messages == ["no route for ? /api"]

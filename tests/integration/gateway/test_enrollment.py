"""A sidecar enrols with the token of a Pod that the API server vouches for."""

import ssl
import threading
import time
from typing import Any

import httpx
import pytest
from cryptography import x509

from integration.gateway.administrator import Administrator
from integration.gateway.enrollment import BODY, ask, enroll
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.workspace import Workspace
from taskyard.core.security.keyring import Keyring
from taskyard.core.security.keys import pod_key, prompt_sha256


def test_the_recorded_pod_of_the_newest_start_build_gets_all_it_needs(
    client: httpx.Client, workspace: Workspace, keyring: Keyring
) -> None:
    running = workspace.running_task(prompt="grüße die Welt")
    pod_uid = running.pod["metadata"]["uid"]

    response = enroll(client, running.token)

    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["protocolVersion"] == 1
    assert answer["key"] == pod_key(keyring.master_key, pod_uid)
    assert answer["token"] == f"{workspace.namespace}/hello-1/{pod_uid}.{answer['key']}"
    assert answer["prompt"] == "grüße die Welt"
    assert answer["promptSHA256"] == prompt_sha256("grüße die Welt")
    assert answer["task"] == {
        "namespace": workspace.namespace,
        "name": "hello",
        "uid": running.task["metadata"]["uid"],
    }
    assert answer["build"] == {"name": "hello-1", "number": 1}
    certificate = x509.load_pem_x509_certificate(answer["certificate"].encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [pod_uid]
    assert certificate.not_valid_after_utc.isoformat() == answer["notAfter"].replace("Z", "+00:00")
    assert response.headers["cache-control"] == "no-store"
    assert workspace.task_status()["workspace"]["sidecarVersion"] == "0.1.0"


def test_a_sidecar_may_enrol_again_and_gets_the_same_key_and_token(client: httpx.Client, workspace: Workspace) -> None:
    running = workspace.running_task()
    first, second = (enroll(client, running.token).json() for _ in range(2))
    assert (first["key"], first["token"]) == (second["key"], second["token"])
    assert first["certificate"] != second["certificate"]


def test_enrolling_and_the_operators_writes_do_not_disturb_each_other(
    client: httpx.Client, workspace: Workspace
) -> None:
    running = workspace.running_task()
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            workspace.patch_task("hello", {"displayName": f"Title {number}"})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(10):
            body = {**BODY, "sidecarVersion": f"0.1.{number}"}
            assert enroll(client, running.token, body).status_code in (200, 409)
    finally:
        done.set()
        writer.join()
    assert enroll(client, running.token).status_code == 200
    assert workspace.task_status()["displayName"].startswith("Title ")


def test_a_pod_waits_until_the_operator_has_recorded_it(client: httpx.Client, workspace: Workspace) -> None:
    task = workspace.task()
    build = workspace.build(task, 1)
    pod = workspace.pod("hello-1")
    token = workspace.token(pod)

    early = enroll(client, token)
    workspace.record(build, pod)

    assert (early.status_code, early.json()) == (409, {"message": "The operator has not recorded this Pod yet."})
    assert enroll(client, token).status_code == 200


def test_a_token_for_another_audience_is_refused(client: httpx.Client, workspace: Workspace) -> None:
    running = workspace.running_task()
    response = enroll(client, workspace.token(running.pod, audience="https://kubernetes.default.svc.cluster.local"))
    assert response.status_code == 401


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("garbage", id="no token at all"),
        pytest.param("e30.e30.c2lnbmVk", id="an unsigned token"),
        pytest.param("a" * 10_000, id="too long"),
    ],
)
def test_an_invalid_token_is_refused(client: httpx.Client, token: str) -> None:
    response = enroll(client, token)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert set(response.json()) <= {"message", "detail"}


def test_without_a_token_nothing_is_revealed(client: httpx.Client) -> None:
    response = client.post("/api/v1alpha1/enroll", json=BODY)
    assert (response.status_code, response.json()["message"]) == (401, "A token is needed.")


def test_the_token_of_a_pod_that_is_gone_is_refused(client: httpx.Client, workspace: Workspace) -> None:
    running = workspace.running_task()
    workspace.admin.delete(workspace.path("pods", "hello-1", group="/api/v1"))
    # The API server knows Pods from a watch, and caches for 10 s that a token was valid.
    until = time.monotonic() + 30
    while (status := enroll(client, running.token).status_code) != 401:
        assert time.monotonic() < until, status
        time.sleep(0.5)


def test_a_service_account_without_a_pod_is_refused(
    client: httpx.Client, workspace: Workspace, admin: Administrator
) -> None:
    response = enroll(client, admin.token(workspace.namespace, "default", audience="taskyard"))
    assert (response.status_code, response.json()["message"]) == (403, "The token is not bound to a Pod.")


def test_a_pod_made_by_hand_with_copied_labels_is_refused(client: httpx.Client, workspace: Workspace) -> None:
    workspace.running_task()
    pod = workspace.pod("mine", labels={"taskyard.dev/task": "hello", "taskyard.dev/build": "1"})
    response = enroll(client, workspace.token(pod))
    assert (response.status_code, response.json()["message"]) == (403, "No build of a Task made this Pod.")


def test_a_pod_made_by_hand_under_the_builds_name_is_refused(client: httpx.Client, workspace: Workspace) -> None:
    running = workspace.running_task()
    workspace.admin.delete(workspace.path("pods", "hello-1", group="/api/v1"))
    impostor = workspace.pod("hello-1", labels=running.pod["metadata"].get("labels"))
    response = enroll(client, workspace.token(impostor))
    assert (response.status_code, response.json()["message"]) == (
        403,
        "The build with this Pod's name has created another Pod.",
    )


def test_a_pod_made_by_hand_before_the_operators_waits_and_is_never_admitted(
    client: httpx.Client, workspace: Workspace
) -> None:
    task = workspace.task()
    workspace.build(task, 1)
    impostor = workspace.pod("hello-1")
    assert enroll(client, workspace.token(impostor)).status_code == 409


def test_the_pod_of_an_earlier_build_is_refused(client: httpx.Client, workspace: Workspace) -> None:
    running = workspace.running_task()
    workspace.build(running.task, 2, transition="Start", reason="Recover")
    response = enroll(client, running.token)
    assert (response.status_code, response.json()["message"]) == (403, "A newer build has replaced this Pod.")


def test_a_restarted_sidecar_may_enrol_while_its_pod_is_being_stopped(
    client: httpx.Client, workspace: Workspace
) -> None:
    running = workspace.running_task()
    workspace.build(running.task, 2, transition="Stop", reason="ManualPause")
    assert enroll(client, running.token).status_code == 200


def test_the_pod_of_a_task_that_was_deleted_is_refused(client: httpx.Client, workspace: Workspace) -> None:
    running = workspace.running_task()
    workspace.admin.delete(workspace.path("tasks", "hello"))
    gone = enroll(client, running.token)
    workspace.task()
    remade = enroll(client, running.token)
    assert (gone.status_code, remade.status_code) == (403, 403)
    assert gone.json()["message"] == remade.json()["message"]


def test_a_prompt_that_is_not_the_builds_makes_the_sidecar_wait(client: httpx.Client, workspace: Workspace) -> None:
    running = workspace.running_task()
    workspace.patch_task("hello", {"phase": "Paused"})
    workspace.admin.patch(workspace.path("tasks", "hello"), {"spec": {"prompt": "something else"}})
    assert enroll(client, running.token).status_code == 409


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({**BODY, "protocolVersions": [7, 8]}, "No protocol version in common.", id="other protocol"),
        pytest.param({**BODY, "protocolVersions": []}, "No protocol version in common.", id="no protocol"),
        pytest.param({"sidecarVersion": "0.1.0"}, "Validation failed.", id="field missing"),
        pytest.param({**BODY, "sidecarVersion": "x\n"}, "Validation failed.", id="version with a line feed"),
        pytest.param([], "Validation failed.", id="not an object"),
        pytest.param({**BODY, "more": "x" * 5000}, "The request's body is too large.", id="too large"),
    ],
)
def test_a_bad_body_is_refused_before_the_token_is_reviewed(client: httpx.Client, body: Any, message: str) -> None:
    response = enroll(client, "e30.e30.c2lnbmVk", body)
    assert (response.status_code, response.json()["message"]) == (400, message)


def test_a_flood_of_forged_tokens_is_rate_limited(admin: Administrator, gateway: Gateway, keyring: Keyring) -> None:
    with gateway.client(keyring) as client:
        end = time.monotonic() + 60
        while ask(client, "e30.e30.c2lnbmVk").status_code == 429:  # other tests have used up the address's quota
            assert time.monotonic() < end
            time.sleep(0.5)
        answers = [ask(client, "e30.e30.c2lnbmVk") for _ in range(60)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert int(limited[0].headers["retry-after"]) >= 1
    assert {answer.status_code for answer in answers} <= {401, 429}


def test_the_gateways_certificate_is_for_the_service_name_and_signed_by_its_authority(
    gateway: Gateway, keyring: Keyring
) -> None:
    context = ssl.create_default_context()
    with httpx.Client(verify=context) as stranger, pytest.raises(httpx.ConnectError):
        stranger.get(f"https://localhost:{gateway.port}/")
    with gateway.client(keyring) as client:
        response = client.get("/")
    assert (response.status_code, response.json()) == (404, {"message": "Route not found."})

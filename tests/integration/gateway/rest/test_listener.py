"""The listener for users: the cost of reads, its certificate, its limits."""

import base64
import json
import re
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

import plainhttp
from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway, new_keyring
from integration.gateway.rest.rest_namespace import AUDIENCE, RestNamespace
from taskyard.apiclient import ApiError, connect
from taskyard.core.security.certificates import issue_serving_certificate
from taskyard.core.security.keyring import Keyring


def api_requests(gateway: Gateway) -> dict[str, float]:
    """Requests to the API server so far, by verb."""
    text = plainhttp.get(f"http://127.0.0.1:{gateway.health_port}/metrics").text
    found: dict[str, float] = {}
    for verb, count in re.findall(r'taskyard_api_requests_total\{[^}]*verb="(\w+)"[^}]*\} (\S+)', text):
        found[verb] = found.get(verb, 0) + float(count)
    return found


def test_reads_cost_no_call_to_the_api_server(ns: RestNamespace, gateway: Gateway) -> None:
    task = ns.task()
    paths = ["/tasks", "/tasks/me/hello", f"/tasks/me/{task['metadata']['uid']}", "/users/me", "/templates"]
    paths += [f"/templateversions/{ns.version['metadata']['uid']}", f"/workspaces/{task['metadata']['uid']}"]
    paths += ["/tasks?q=owner:me", "/organizations", "/tasks/me/nothing"]
    for path in paths:
        ns.owner.get(path)
    before, (objects, reviews) = api_requests(gateway), ns.admin.counted()
    for path in paths * 5:
        assert ns.owner.get(path).status_code in (200, 404)
    after, (objects_after, reviews_after) = api_requests(gateway), ns.admin.counted()
    # The keys are checked once a minute.
    assert after.pop("GET", 0) - before.pop("GET", 0) <= 1
    # Authorization results are cached for ten seconds, then requested again.
    assert after.pop("POST", 0) - before.pop("POST", 0) <= len(paths)
    assert {verb: count for verb, count in after.items() if verb != "WATCH"} == {
        verb: count for verb, count in before.items() if verb != "WATCH"
    }
    # The API server's own count agrees.
    assert objects_after == objects
    assert reviews_after - reviews <= len(paths)


def signed(key_file: Path, ns: RestNamespace, *, ends: datetime) -> str:
    """A token of the namespace's owner, signed with the API server's own key."""
    account = ns.admin.get(f"/api/v1/namespaces/{ns.name}/serviceaccounts/owner")["metadata"]
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    header = {"alg": "ES256"}
    claims = {
        "iss": AUDIENCE,
        "aud": [AUDIENCE],
        "sub": f"system:serviceaccount:{ns.name}:owner",
        "iat": int((ends - timedelta(hours=1)).timestamp()),
        "nbf": int((ends - timedelta(hours=1)).timestamp()),
        "exp": int(ends.timestamp()),
        "kubernetes.io": {"namespace": ns.name, "serviceaccount": {"name": "owner", "uid": account["uid"]}},
    }
    text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return f"{text}.{encoded(signature)}"


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_an_expired_token_is_refused(ns: RestNamespace, kubeconfig: Path) -> None:
    """2-token."""
    [key_file] = kubeconfig.parent.rglob("service-account.key")
    now = datetime.now(UTC)
    with ns.client(signed(key_file, ns, ends=now + timedelta(minutes=30))) as client:
        assert client.get("/tasks").status_code == 200
    with ns.client(signed(key_file, ns, ends=now - timedelta(minutes=30))) as client:
        assert client.get("/tasks").status_code == 401


def test_requests_of_people_are_counted_by_route(ns: RestNamespace, gateway: Gateway) -> None:
    ns.task()
    ns.owner.get("/tasks")
    ns.owner.post("/tasks/me/hello/resume")
    text = plainhttp.get(f"http://127.0.0.1:{gateway.health_port}/metrics").text
    assert re.search(r'taskyard_gateway_requests_total\{code="200",route="tasks"\} [1-9]', text)
    assert re.search(r'taskyard_gateway_requests_total\{code="409",route="resume"\} [1-9]', text)
    assert ns.name not in text


async def test_calls_for_people_carry_no_credentials_but_theirs(kubeconfig: Path, ns: RestNamespace) -> None:
    """A kubeconfig with a client certificate would make every caller an administrator."""
    connection = await connect(user_agent="test", kubeconfig=str(kubeconfig), anonymous=True)
    try:
        for token, status in (("made-up", 401), (ns.token("owner"), 403)):
            with pytest.raises(ApiError) as refused:
                await connection.call("GET", "/api/v1/namespaces", bearer=token)
            assert refused.value.status == status
    finally:
        await connection.close()


def test_a_token_is_in_no_line_of_the_log(ns: RestNamespace, gateway: Gateway) -> None:
    token = ns.token("owner")
    with ns.client(token) as client:
        client.get("/tasks")
        client.post("/tasks/me", content=b"{")
        client.get("/tasks?q=:")
    log = gateway.log.read_text()
    assert token not in log
    assert token.rpartition(".")[2] not in log


def test_what_no_route_has_is_in_the_log_at_debug_level_without_secrets(
    fresh_gateway: Gateway, admin: Administrator, keyring: Keyring, namespace: str
) -> None:
    """C6, 6-missed: once a minute for each route, without the query and without names."""
    with fresh_gateway.serving(keyring, TASKYARD_LOG_LEVEL="DEBUG") as gateway:
        ns = RestNamespace(admin, gateway, keyring, namespace)
        ns.task("payroll")
        token = ns.token("owner")
        uid = ns.owner.get("/tasks/me/payroll").json()["id"]
        with ns.client(token) as client:
            for _ in range(3):
                assert client.get(f"/workspaces/{uid}/watch?token=s3cret").status_code == 404
                assert client.get("/users/me/appearance").status_code == 404
                assert client.get("/tasks/me/nothing").status_code == 404
            assert client.put("/tasks/me/payroll").status_code == 405
        ns.close()
        gateway.wait_until_logged("no route for PUT")
        log = gateway.log.read_text()
    missed = [line.partition("no route for ")[2] for line in log.splitlines() if "no route for" in line]
    assert missed == [
        "GET /api/v2/workspaces/{workspace}/watch",
        "GET /api/v2/users/{user}/appearance",
        "PUT /api/v2/tasks/{user}/{task}",
    ]
    for secret in (token, token.rpartition(".")[2], "s3cret", keyring.authority.key_pem.splitlines()[1]):
        assert secret not in log


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/nothing", 404, id="no such route"),
        pytest.param("PUT", "/tasks", 405, id="no such method"),
    ],
)
def test_other_routes_answer_in_the_form_of_all_errors(ns: RestNamespace, method: str, path: str, status: int) -> None:
    """2-error."""
    answer = ns.owner.request(method, path)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_a_body_without_bound_is_not_read(ns: RestNamespace) -> None:
    body = {"template_version_id": "x", "input": "a" * 1_100_000}
    answer = ns.owner.post("/tasks/me", json=body)
    assert (answer.status_code, answer.json()["message"]) == (400, "The request's body is too large.")


def mount(folder: Path, keyring: Keyring, name: str) -> None:
    issued = issue_serving_certificate(
        keyring.authority, dns_names=[name], now=datetime.now(UTC), lifetime=timedelta(days=1)
    )
    (folder / "tls.crt").write_text(issued.certificate_pem)
    (folder / "tls.key").write_text(issued.key_pem)


def served(port: int, keyring: Keyring, name: str) -> Any:
    """The status of a request to a listener, which must have a certificate for `name`; the error if it does not."""
    context = ssl.create_default_context(cadata=keyring.authority.certificate_pem)
    try:
        with httpx.Client(verify=context, trust_env=False) as client:
            url = f"https://127.0.0.1:{port}/api/v2/buildinfo"
            return client.get(url, extensions={"sni_hostname": name}).status_code
    except httpx.ConnectError as error:
        return str(error)


def test_a_mounted_certificate_is_served_anew_when_it_changes(fresh_gateway: Gateway, tmp_path: Path) -> None:
    folder, own = tmp_path / "tls", new_keyring()
    folder.mkdir()
    mount(folder, own, "first.test")
    fresh_gateway.make_keys(new_keyring())
    fresh_gateway.start(TASKYARD_PEOPLE_TLS_DIR=str(folder))
    fresh_gateway.wait_until("/readyz", 200)
    assert served(fresh_gateway.people_port, own, "first.test") == 200
    (folder / "tls.key").write_text("half of a new pair")
    fresh_gateway.wait_until_logged("keeping the certificate in force")
    assert served(fresh_gateway.people_port, own, "first.test") == 200
    mount(folder, own, "second.test")
    until = time.monotonic() + 15
    while (found := served(fresh_gateway.people_port, own, "second.test")) != 200:
        assert time.monotonic() < until, found
        time.sleep(0.2)


def test_without_its_mounted_certificate_it_does_not_run(fresh_gateway: Gateway, tmp_path: Path) -> None:
    fresh_gateway.make_keys(new_keyring())
    fresh_gateway.start(TASKYARD_PEOPLE_TLS_DIR=str(tmp_path / "nothing"))
    assert fresh_gateway.wait() == 1
    assert "tls.crt" in fresh_gateway.log.read_text()


def test_people_can_be_turned_off(fresh_gateway: Gateway) -> None:
    fresh_gateway.make_keys(new_keyring())
    fresh_gateway.start(TASKYARD_PEOPLE="false")
    fresh_gateway.wait_until("/readyz", 200)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"https://127.0.0.1:{fresh_gateway.people_port}/", trust_env=False)

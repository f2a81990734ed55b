"""The gateway as a process: a start before the operator's, faults of the API server, slow clients, shutdown."""

import asyncio
import contextlib
import socket
import ssl
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from integration.gateway.administrator import Administrator
from integration.gateway.enrollment import ask, enroll
from integration.gateway.gatewayprocess import Gateway, new_keyring
from integration.gateway.workspace import Workspace
from localcluster.controlplane import ControlPlane
from taskyard.core import names
from taskyard.core.security.keyring import Keyring, secret_data
from taskyard.core.tokenbucket import Rate
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.context import Context
from taskyard.gateway.metrics import Metrics
from taskyard.gateway.review_limit import ReviewLimit
from taskyard.gateway.tls.issued import IssuedCertificate
from taskyard.gateway.tls.keyring_watch import keep_fresh

MEMORY_MIB = 120


def test_it_waits_for_the_operator_to_create_the_keys_and_says_so_once(
    fresh_gateway: Gateway, keyring: Keyring
) -> None:
    fresh_gateway.start()
    fresh_gateway.wait_until("/healthz", 200)
    time.sleep(2.5)
    assert fresh_gateway.probe("/readyz") == 503

    fresh_gateway.make_keys(keyring)

    fresh_gateway.wait_until("/readyz", 200)
    log = fresh_gateway.log.read_text()
    assert log.count("waiting for Secret") == 1
    assert "Traceback" not in log
    with fresh_gateway.client(keyring) as client:
        assert client.get("/").status_code == 404


def test_while_it_waits_for_the_keys_it_can_be_stopped(fresh_gateway: Gateway) -> None:
    fresh_gateway.start()
    fresh_gateway.wait_until("/healthz", 200)
    started = time.monotonic()
    assert fresh_gateway.stop() == 0
    assert time.monotonic() - started < 5


def test_on_sigterm_it_finishes_the_requests_in_progress(fresh_gateway: Gateway, keyring: Keyring) -> None:
    fresh_gateway.make_keys(keyring)
    fresh_gateway.start()
    fresh_gateway.wait_until("/readyz", 200)
    with fresh_gateway.client(keyring) as client:
        client.get("/")
        started = time.monotonic()
        assert fresh_gateway.stop() == 0
        assert time.monotonic() - started < 8
    log = fresh_gateway.log.read_text()
    assert log.rstrip().endswith("stopped")
    assert "Traceback" not in log


def test_without_the_api_server_sidecars_are_told_to_retry(
    control_plane: ControlPlane, gateway: Gateway, client: httpx.Client, workspace: Workspace
) -> None:
    running = workspace.running_task()
    token = enroll(client, running.token).json()["token"]
    control_plane.stop_apiserver()
    try:
        enrolling = enroll(client, running.token)
        reporting = client.patch(
            "/api/v2/workspaceagents/me/app-status",
            headers={"Authorization": f"Bearer {token}"},
            json={"app_slug": "taskyard", "state": "idle"},
        )
        ready = gateway.probe("/readyz")
    finally:
        control_plane.start_apiserver()
    for response in (enrolling, reporting):
        assert response.status_code == 503
        assert response.json()["message"] == "The Kubernetes API server gave no answer."
        assert response.headers["retry-after"] == "1"
    assert ready == 200
    assert enroll(client, running.token).status_code == 200


def test_missing_rights_are_named_in_the_log(
    admin: Administrator, fresh_gateway: Gateway, keyring: Keyring, workspace: Workspace
) -> None:
    fresh_gateway.make_keys(keyring)
    admin.delete(f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{fresh_gateway.system}")
    fresh_gateway.start()
    fresh_gateway.wait_until_logged("serving sidecars")
    running = workspace.running_task()
    with fresh_gateway.client(keyring) as client:
        assert enroll(client, running.token).status_code == 503
    assert fresh_gateway.probe("/readyz") == 503
    log = fresh_gateway.log.read_text()
    assert 'cannot create resource "tokenreviews"' in log
    assert 'cannot list resource "tasks"' in log


def test_slow_clients_are_cut_off(
    gateway: Gateway, client: httpx.Client, keyring: Keyring, workspace: Workspace
) -> None:
    token = enroll(client, workspace.running_task().token).json()["token"]
    context = ssl.create_default_context(cadata=keyring.authority.certificate_pem)
    head = (
        "PATCH /api/v2/workspaceagents/me/app-status HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n"
    )
    with contextlib.ExitStack() as stack:
        silent, half_head, half_body = (
            stack.enter_context(
                context.wrap_socket(
                    stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=20)),
                    server_hostname="localhost",
                )
            )
            for _ in range(3)
        )
        no_handshake = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=20))
        half_head.sendall(b"GET / HTTP/1.1\r\nHost: ")
        half_body.sendall(head.encode() + b"{")
        assert half_body.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert silent.recv(1) == b""
        assert half_head.recv(1) == b""
        assert no_handshake.recv(1) == b""


def test_one_address_cannot_take_all_connections_even_without_a_handshake(gateway: Gateway, keyring: Keyring) -> None:
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(
                socket.create_connection(("127.0.0.1", gateway.port), timeout=5, source_address=("127.0.0.7", 0))
            )
            for _ in range(80)
        ]
        assert opened[-1].recv(1) == b""
        # Clients with other addresses can still connect.
        with gateway.client(keyring) as client:
            assert client.get("/").status_code == 404


def test_no_token_key_or_prompt_is_ever_logged(
    gateway: Gateway, client: httpx.Client, keyring: Keyring, workspace: Workspace
) -> None:
    running = workspace.running_task(prompt="a very private prompt")
    answer = enroll(client, running.token).json()
    headers = {"Authorization": f"Bearer {answer['token']}"}
    client.patch("/api/v2/workspaceagents/me/app-status", headers=headers, json={"state": "x"})
    ask(client, running.token + "x")
    log = gateway.log.read_text()
    assert f"pod {workspace.namespace}/hello-1 enrolled" in log
    for secret in (running.token, answer["token"], answer["key"], answer["privateKey"], keyring.master_key.hex()):
        assert secret not in log
    assert "a very private prompt" not in log
    assert "Traceback" not in log


def test_it_uses_little_memory(gateway: Gateway, client: httpx.Client, workspace: Workspace) -> None:
    enroll(client, workspace.running_task().token)
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    print(f"gateway: {resident / 1024:.0f} MiB resident")
    assert resident / 1024 <= MEMORY_MIB


async def test_changed_keys_and_an_expiring_certificate_are_replaced_while_it_runs(
    admin: Administrator, kubeconfig: Path, namespace: str
) -> None:
    first, second = new_keyring(), new_keyring()
    path = f"/api/v1/namespaces/{namespace}/secrets"
    admin.create(path, {"metadata": {"name": names.KEYS_SECRET}, "data": secret_data(first)})
    certificate = IssuedCertificate(("localhost",))
    certificate.renew(first.authority, datetime.now(UTC))
    cluster = await Cluster.connect(str(kubeconfig))
    rate = Rate(per_second=1, burst=1)
    context = Context(
        cluster=cluster,
        keyring=first,
        reviews=ReviewLimit(each=rate, all_together=rate, callers=1, now=0),
        now=lambda: datetime.now(UTC),
        metrics=Metrics(),
        monotonic=time.monotonic,
    )
    stop = asyncio.Event()
    task = asyncio.create_task(keep_fresh(context, certificate, namespace, stop, every=0.05))
    try:
        admin.patch(f"{path}/{names.KEYS_SECRET}", {"data": secret_data(second)})
        async with asyncio.timeout(10):
            # The state of the loop under test is private.
            while certificate.is_due(second.authority, datetime.now(UTC)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert context.keyring == second
        admin.patch(f"{path}/{names.KEYS_SECRET}", {"data": {"master.key": None}})
        await asyncio.sleep(0.3)
        assert context.keyring == second
    finally:
        stop.set()
        await task
        await cluster.close()


def test_a_missing_setting_ends_it_with_one_line(fresh_gateway: Gateway) -> None:
    fresh_gateway.start(TASKYARD_NAMESPACE="")
    assert fresh_gateway.wait() == 1
    (line,) = fresh_gateway.log.read_text().splitlines()
    assert line.startswith("taskyard-gateway: environment variable TASKYARD_NAMESPACE is not set")


def test_a_port_in_use_ends_it_with_one_line(fresh_gateway: Gateway, gateway: Gateway) -> None:
    fresh_gateway.start(TASKYARD_HEALTH_PORT=str(gateway.health_port))
    assert fresh_gateway.wait() == 1
    (line,) = fresh_gateway.log.read_text().splitlines()
    assert "cannot run:" in line
    assert str(gateway.health_port) in line

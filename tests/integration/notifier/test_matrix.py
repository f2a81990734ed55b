"""What a room of Matrix is told: by a login or an access token, over TLS alone, and what no log shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.chart.installation import Cluster
from integration.notifier.matrixserver import API, HOME, MatrixServer
from integration.notifier.namespacesinks import NamespaceSinks, told_of_test
from integration.notifier.notifierprocess import NotifierProcess
from integration.notifier.silentserver import SilentServer
from integration.notifier.toldtask import ToldTask
from kube import Kube
from unit.notifier.receivers import authority, serving, trust

PASSWORD = "T0K3N-password"
TOKEN = "T0K3N-of-a-person"
SECRETS = (PASSWORD, TOKEN, "T0K3N")
BUILDS, ALERTS = f"!builds:{HOME}", f"!alerts:{HOME}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("matrix")


@pytest.fixture(scope="module")
def homeserver(folder: Path) -> Iterator[MatrixServer]:
    known = authority()
    trust(known, folder)
    with MatrixServer(serving(known, folder, "localhost"), PASSWORD) as running:
        yield running


@pytest.fixture
def matrix(homeserver: MatrixServer) -> MatrixServer:
    homeserver.begin_anew(TOKEN)
    return homeserver


@pytest.fixture(scope="module")
def notifier(cluster: Cluster, homeserver: MatrixServer, folder: Path) -> Iterator[NotifierProcess]:
    """A notifier that trusts the server, and logs all that it ever would."""
    process = NotifierProcess(
        cluster,
        folder,
        TASKYARD_LOG_LEVEL="DEBUG",
        SSL_CERT_FILE=str(folder / "ca.pem"),
        TASKYARD_NOTIFIER_ALLOWED_NETWORKS="127.0.0.0/8 ::1/128",
    )
    process.begin()
    yield process
    process.kill()
    assert "Traceback" not in process.log, process.log


def shown(kube: Kube, sinks: NamespaceSinks, notifier: NotifierProcess, task: ToldTask) -> str:
    """All that anybody could read but who may read the Secret."""
    events = kube.request("GET", f"/apis/events.k8s.io/v1/namespaces/{sinks.namespace}/events")["items"]
    statuses = [sink.get("status") for sink in kube.list("notificationsinks", sinks.namespace)]
    return f"{notifier.log}{statuses}{task.status}{events}"


def test_a_room_is_told_by_a_login_that_ends_with_the_message(
    kube: Kube, namespace: str, sinks: NamespaceSinks, matrix: MatrixServer, notifier: NotifierProcess
) -> None:
    """By its alias, and another room by its id."""
    address = f"matrixs://taskyard:{PASSWORD}@localhost:{matrix.port}"
    sinks.add("builds", f"{address}/#builds", type_="Apprise", events=["Paused", "Resumed"])
    sinks.add("alerts", f"{address}/{ALERTS}", type_="Apprise", events=["Paused"])
    task = ToldTask(kube, namespace)
    task.start()
    task.stop("AutoPause")
    told = dict(matrix.wait(2))
    assert told.keys() == {BUILDS, ALERTS}
    for text in told.values():
        assert text.startswith("# hello: paused")
        assert f"Task {namespace}/hello is paused (idle timeout)." in text
    task.start("Resume")
    room, text = matrix.wait(3)[-1]
    assert room == BUILDS and f"Task {namespace}/hello is resumed." in text
    task.wait_sent("Resumed", "builds")
    task.wait_sent("Paused", "alerts")
    assert len(matrix.issued) == 3 and matrix.tokens == {TOKEN}, "each login was ended"
    assert not any(secret in shown(kube, sinks, notifier, task) for secret in SECRETS)


def test_an_access_token_still_counts_after_a_message(
    kube: Kube, namespace: str, sinks: NamespaceSinks, matrix: MatrixServer, notifier: NotifierProcess
) -> None:
    """It is somebody's, from elsewhere: a login that nobody here has made nobody here ends."""
    address = f"matrixs://{TOKEN}@localhost:{matrix.port}/{BUILDS}"
    sinks.add("matrix", address, type_="Apprise", events=["Paused", "Resumed"])
    task = ToldTask(kube, namespace)
    task.start()
    task.stop()
    task.wait_sent("Paused", "matrix")
    assert f"POST {API}/logout" not in matrix.requests and matrix.tokens == {TOKEN}
    task.start("Resume")
    task.wait_sent("Resumed", "matrix")
    assert [room for room, _ in matrix.messages] == [BUILDS, BUILDS]
    assert "is paused" in matrix.messages[0][1] and "is resumed" in matrix.messages[1][1]
    assert not any(secret in shown(kube, sinks, notifier, task) for secret in SECRETS)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("matrixs://taskyard:T0K3N-wrong@localhost:PORT/#builds", id="a wrong password"),
        pytest.param("matrixs://T0K3N-revoked@localhost:PORT/#builds", id="a token that no longer counts"),
        pytest.param(f"matrixs://{TOKEN}@localhost:PORT/!closed:{HOME}", id="a room that it may not join"),
    ],
)
def test_what_the_server_refuses_is_told_without_the_secret(
    kube: Kube, namespace: str, sinks: NamespaceSinks, matrix: MatrixServer, notifier: NotifierProcess, address: str
) -> None:
    task = ToldTask(kube, namespace)
    sinks.add("matrix", address.replace("PORT", str(matrix.port)), type_="Apprise", events=["Paused"])
    sinks.ask_for_test("1", "matrix")
    sinks.wait("matrix", told_of_test("1"))
    message = sinks.wait_ready("DeliveryFailed", "matrix")
    assert "the service answered 40" in message, message
    assert matrix.messages == []
    assert not any(secret in shown(kube, sinks, notifier, task) for secret in SECRETS)


def test_nothing_is_said_without_tls(sinks: NamespaceSinks, notifier: NotifierProcess) -> None:
    with SilentServer(accepts=True) as server:
        address = f"matrix://taskyard:{PASSWORD}@localhost:{server.port}/#builds"
        sinks.add("matrix", address, type_="Apprise")
        sinks.ask_for_test("1", "matrix")
        sinks.wait("matrix", told_of_test("1"))
        sinks.wait_ready("DeliveryFailed", "matrix")
        assert server.connections == 0
    assert not any(secret in notifier.log for secret in SECRETS)

"""The chart's roles give operator and gateway what they need, and nothing else: by what they ask of the API server.

A right that is added fails here until the life of the Tasks needs it: add what needs it to `tasklife.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from integration.chart.accountprocess import AccountProcess, eventually
from integration.chart.installation import NAMESPACE, Cluster
from integration.chart.rights import Right, granted, lacking, unused
from integration.chart.tasklife import TaskLife
from integration.requestlog import Request, RequestLog
from kube import Kube
from ports import free_port
from taskyard.core import names

OPERATOR, GATEWAY = PROCESSES = ("taskyard-operator", "taskyard-gateway")
# Long: on a busy machine a test may stall for seconds.
LEASE_TERMS = {
    "TASKYARD_LEASE_DURATION": "30s",
    "TASKYARD_LEASE_RENEW_DEADLINE": "25s",
    "TASKYARD_LEASE_RETRY_PERIOD": "0.5s",
}


@pytest.fixture(scope="module")
def kube(installed: Cluster) -> Iterator[Kube]:
    """An administrator's client of the API server with the chart, instead of the tier's."""
    client = Kube(installed.kubeconfig)
    yield client
    client.close()


@pytest.fixture(scope="module")
def asked(
    installed: Cluster, kube: Kube, request_log: RequestLog, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, set[Request]]:
    """What each process asks for from its start to its end, by its account."""
    folder = tmp_path_factory.mktemp("used-rights")
    # As in a new installation: the operator is to create them.
    kube.delete("secrets", NAMESPACE, names.KEYS_SECRET)
    kube.delete("leases", NAMESPACE, OPERATOR)
    since = request_log.end
    try:
        _live(installed, kube, lambda: request_log.of(OPERATOR, since=since), folder)
    except BaseException as error:
        for account in PROCESSES:
            refused = lacking(granted(installed, account), request_log.of(account, since=since))
            error.add_note(f"{account} asked for, and the chart does not allow: {refused}")
        raise
    return {account: request_log.of(account, since=since) for account in PROCESSES}


def _live(installed: Cluster, kube: Kube, asked: Callable[[], set[Request]], folder: Path) -> None:
    sidecars, people = free_port(), free_port()
    with ExitStack() as stack:
        operator = AccountProcess(
            installed,
            folder,
            "operator",
            TASKYARD_GATEWAY_URL=f"https://localhost:{sidecars}",
            TASKYARD_SIDECAR_IMAGE="localhost/taskyard:test",
            TASKYARD_INPUT_RETENTION="1s",
            **LEASE_TERMS,
        )
        stack.callback(operator.stop)
        gateway = AccountProcess(
            installed,
            folder,
            "gateway",
            TASKYARD_LISTEN_ADDRESS="127.0.0.1",
            TASKYARD_SIDECAR_PORT=str(sidecars),
            TASKYARD_PEOPLE_PORT=str(people),
        )
        stack.callback(gateway.stop)
        for process in (operator, gateway):
            eventually(process.is_ready, what="it is ready")
        TaskLife(
            installed,
            kube,
            kube.create_namespace(),
            sidecars=f"https://localhost:{sidecars}",
            people=f"https://localhost:{people}",
            asked=asked,
        ).live()


@pytest.mark.parametrize("account", PROCESSES)
def test_a_process_asks_for_nothing_that_the_chart_does_not_allow(
    installed: Cluster, asked: dict[str, set[Request]], account: str
) -> None:
    assert lacking(granted(installed, account), asked[account]) == []


@pytest.mark.parametrize("account", PROCESSES)
def test_each_right_of_the_chart_is_used(installed: Cluster, asked: dict[str, set[Request]], account: str) -> None:
    assert unused(granted(installed, account), asked[account]) == []


def test_a_right_too_many_and_one_too_few_are_found(
    installed: Cluster, asked: dict[str, set[Request]], request_log: RequestLog, tmp_path: Path
) -> None:
    rights = granted(installed, GATEWAY)
    for superfluous in (
        Right("", "pods", "get", "", ""),
        Right("", "secrets", "get", "", ""),  # in the installation's namespace a Role does
        Right("", "secrets", "get", NAMESPACE, "other"),
        Right("taskyard.dev", "tasks", "patch", "", ""),  # not its status
    ):
        assert unused({*rights, superfluous}, asked[GATEWAY]) == [superfluous]
    since = request_log.end
    gateway = Cluster(installed.keep_kubeconfig(GATEWAY, tmp_path / "gateway.kubeconfig"))
    assert "Forbidden" in gateway.kubectl("get", "--raw", "/api/v1/namespaces/default/configmaps").stderr
    refused = Request("", "configmaps", "list", "default", "")
    assert lacking(rights, request_log.of(GATEWAY, since=since)) == [refused]

"""The gateway's metrics on its plain HTTP port."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

import plainhttp
from integration.gateway.enrollment import enroll
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.workspace import Workspace

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(gateway: Gateway) -> Samples:
    answer = plainhttp.get(f"http://127.0.0.1:{gateway.health_port}/metrics").raise_for_status()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }


def rise(before: Samples, after: Samples, name: str, **labels: str) -> float:
    key = name, frozenset(labels.items())
    return after.get(key, 0) - before.get(key, 0)


def test_enrolments_reports_and_snapshots_are_counted(
    gateway: Gateway, client: httpx.Client, workspace: Workspace
) -> None:
    before = samples(gateway)
    task = workspace.running_task()
    token = enroll(client, task.token).json()["token"]
    assert enroll(client, "no.such.token").status_code == 401
    authorization = {"Authorization": f"Bearer {token}"}
    report = {"app_slug": "taskyard", "state": "idle", "message": "", "uri": ""}
    base = "/api/v2/workspaceagents/me"
    assert client.patch(f"{base}/app-status", json=report, headers=authorization).status_code == 200
    snapshot = {"messages": [{"id": 0, "role": "user", "content": "hello"}]}
    uid = task.task["metadata"]["uid"]
    path = f"{base}/tasks/{uid}/log-snapshot?format=agentapi"
    assert client.post(path, json=snapshot, headers=authorization).status_code == 204

    after = samples(gateway)
    assert rise(before, after, "taskyard_gateway_enrolments_total", result="accepted") == 1
    assert rise(before, after, "taskyard_gateway_enrolments_total", result="refused") == 1
    assert rise(before, after, "taskyard_gateway_token_reviews_total", result="accepted") == 1
    assert rise(before, after, "taskyard_gateway_token_reviews_total", result="refused") == 1
    assert rise(before, after, "taskyard_gateway_reports_total", state="Idle") == 1
    assert rise(before, after, "taskyard_gateway_snapshot_bytes_count") == 1
    assert 50 < rise(before, after, "taskyard_gateway_snapshot_bytes_sum") < 300
    assert rise(before, after, "taskyard_gateway_requests_total", route="log-snapshot", code="204") == 1
    assert rise(before, after, "taskyard_gateway_request_duration_seconds_count", route="app-status") == 1
    assert rise(before, after, "taskyard_api_requests_total", component="gateway", verb="POST", code="201") >= 3
    assert all(uid not in str(labels) for _, labels in after), "a label names a Task"

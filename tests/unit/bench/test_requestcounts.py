"""Requests, counted in the metrics of the API server and of the operator."""

import json

from bench import requestcounts
from bench.requestcounts import Request


def answered(verb: str, resource: str, count: str, *, subresource: str = "", code: int = 200, dry_run: str = "") -> str:
    return (
        f'apiserver_request_total{{code="{code}",component="apiserver",dry_run="{dry_run}",group="",'
        f'resource="{resource}",scope="resource",subresource="{subresource}",verb="{verb}",version="v1"}} {count}\n'
    )


API_SERVER = (
    "# HELP apiserver_request_total Counter of requests\n# TYPE apiserver_request_total counter\n"
    + answered("POST", "tasks", "5", code=201)
    + answered("POST", "tasks", "1", code=409)
    + answered("PATCH", "tasks", "7", subresource="status")
    + answered("POST", "pods", "3", dry_run="All")
    + answered("PUT", "leases", "2e+01")
    + answered("LIST", "pods", "4")
    + 'apiserver_request_duration_seconds_count{resource="tasks",verb="POST"} 99\n'
)
OPERATOR = """\
taskyard_api_requests_total{code="201",component="operator",verb="POST"} 8.0
taskyard_api_requests_total{code="none",component="operator",verb="POST"} 1.0
taskyard_api_requests_total{code="200",component="operator",verb="GET"} 2.0
taskyard_api_requests_total{code="200",component="operator",verb="WATCH"} 6.0
"""


def test_requests_of_every_outcome_count_and_dry_runs_do_not() -> None:
    assert requestcounts.of_api_server(API_SERVER) == {
        Request("POST", "tasks"): 6,
        Request("PATCH", "tasks/status"): 7,
        Request("PUT", "leases"): 20,
        Request("LIST", "pods"): 4,
    }


def test_the_operators_watches_do_not_count() -> None:
    assert requestcounts.of_operator(OPERATOR) == {Request("POST"): 9, Request("GET"): 2}


def test_writes_are_those_of_other_resources_than_the_lease() -> None:
    counted = requestcounts.of_api_server(API_SERVER)
    assert requestcounts.writes(counted) == {Request("POST", "tasks"): 6, Request("PATCH", "tasks/status"): 7}


def test_a_resource_is_counted_by_verb() -> None:
    counted = requestcounts.of_api_server(API_SERVER)
    assert requestcounts.of_resource(counted, "leases") == 20
    assert requestcounts.of_resource(counted, "leases", "PATCH") == 0


def test_the_text_begins_with_the_most_frequent() -> None:
    assert requestcounts.text(requestcounts.writes(requestcounts.of_api_server(API_SERVER))) == (
        "7 PATCH tasks/status, 6 POST tasks"
    )
    assert requestcounts.text(requestcounts.Counter()) == "none"


def audited(
    verb: str, resource: str, *, subresource: str = "", code: int = 200, stage: str = "ResponseComplete"
) -> str:
    reference = {"resource": resource, "apiVersion": "v1"} | ({"subresource": subresource} if subresource else {})
    entry = {"stage": stage, "verb": verb, "objectRef": reference, "responseStatus": {"code": code}}
    return json.dumps(entry)


AUDIT_LOG = [
    audited("patch", "tasks", subresource="status"),
    audited("patch", "tasks", subresource="status"),
    audited("patch", "tasks", subresource="status", code=409),
    audited("patch", "leases"),
    audited("create", "events", code=201),
    audited("get", "secrets"),
    audited("get", "secrets", code=403),
    audited("watch", "tasks", stage="ResponseStarted"),
    audited("watch", "tasks"),
]


def test_an_audit_log_has_what_was_done_and_what_was_refused() -> None:
    done = requestcounts.of_audit_log(AUDIT_LOG)
    assert done == {
        Request("PATCH", "tasks/status"): 2,
        Request("PATCH", "leases"): 1,
        Request("POST", "events"): 1,
        Request("GET", "secrets"): 1,
        Request("WATCH", "tasks"): 1,
    }
    refused = requestcounts.of_audit_log(AUDIT_LOG, refused=True)
    assert refused == {Request("PATCH", "tasks/status"): 1, Request("GET", "secrets"): 1}
    assert (requestcounts.writes(done).total(), requestcounts.writes(refused).total()) == (3, 1)

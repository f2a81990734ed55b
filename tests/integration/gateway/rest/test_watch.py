"""`GET /tasks/watch`: all Tasks that the caller may see, and their changes."""

from integration.gateway.rest.rest_namespace import NOT_FOUND, RestNamespace, paused
from integration.gateway.rest.stream import opened


def test_it_begins_with_all_tasks_and_goes_on_with_their_changes(ns: RestNamespace, other_ns: RestNamespace) -> None:
    ns.task("one")
    other_ns.task("foreign")
    with opened(ns.owner, ns.url("/tasks/watch")) as stream:
        assert stream.until("task").data["name"] == "one"
        assert stream.until("synced").data == {"count": 1}
        other_ns.task("another-foreign")
        ns.task("two")
        assert stream.until("task").data["name"] == "two"
        ns.change("two", paused(1))
        assert stream.until("task", lambda data: data["status"] == "paused").data["name"] == "two"
        ns.admin.delete(ns.workspace.path("tasks", "one"))
        assert stream.until("gone").data["name"] == "one"


def test_a_query_bounds_it(ns: RestNamespace) -> None:
    ns.task("one")
    ns.task("two", status=paused(1))
    with opened(ns.owner, ns.url("/tasks/watch?q=owner:me+status:paused")) as stream:
        assert stream.until("task").data["name"] == "two"
        assert stream.until("synced").data == {"count": 1}
        ns.change("one", paused(1))
        assert stream.until("task").data["name"] == "one"
        ns.change("two", {"phase": "Unknown"})
        assert stream.until("gone").data["name"] == "two"


def test_a_query_for_what_a_caller_may_not_see_is_refused_like_one_for_nothing(
    ns: RestNamespace, other_ns: RestNamespace
) -> None:
    ns.task("one")
    refusals = [
        other_ns.owner.get(ns.url("/tasks/watch"), params={"q": f"owner:{name}"}) for name in (ns.name, "no-such-ns")
    ]
    assert [answer.status_code for answer in refusals] == [400, 400]
    details = [answer.json()["validations"][0]["detail"] for answer in refusals]
    assert details[0].replace(ns.name, "no-such-ns") == details[1]


def test_the_route_of_a_task_called_watch_is_another(ns: RestNamespace) -> None:
    assert ns.owner.get(ns.url("/tasks/me/watch/builds")).json() == NOT_FOUND

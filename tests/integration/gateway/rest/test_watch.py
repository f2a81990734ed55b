"""`GET /tasks/watch`: all Tasks that a caller may see, as they change."""

from integration.gateway.rest.stream import opened
from integration.gateway.rest.town import NOT_FOUND, Town, paused


def test_it_begins_with_all_tasks_and_goes_on_with_their_changes(town: Town, other_town: Town) -> None:
    town.task("one")
    other_town.task("foreign")
    with opened(town.owner, town.url("/tasks/watch")) as stream:
        assert stream.until("task").data["name"] == "one"
        assert stream.until("synced").data == {"count": 1}
        other_town.task("another-foreign")
        town.task("two")
        assert stream.until("task").data["name"] == "two"
        town.change("two", paused(1))
        assert stream.until("task", lambda data: data["status"] == "paused").data["name"] == "two"
        town.admin.delete(town.workspace.path("tasks", "one"))
        assert stream.until("gone").data["name"] == "one"


def test_a_query_bounds_it(town: Town) -> None:
    town.task("one")
    town.task("two", status=paused(1))
    with opened(town.owner, town.url("/tasks/watch?q=owner:me+status:paused")) as stream:
        assert stream.until("task").data["name"] == "two"
        assert stream.until("synced").data == {"count": 1}
        town.change("one", paused(1))
        assert stream.until("task").data["name"] == "one"
        town.change("two", {"phase": "Unknown"})
        assert stream.until("gone").data["name"] == "two"


def test_a_query_for_what_a_caller_may_not_see_is_refused_like_one_for_nothing(town: Town, other_town: Town) -> None:
    town.task("one")
    refusals = [
        other_town.owner.get(town.url("/tasks/watch"), params={"q": f"owner:{name}"})
        for name in (town.namespace, "no-such-town")
    ]
    assert [answer.status_code for answer in refusals] == [400, 400]
    details = [answer.json()["validations"][0]["detail"] for answer in refusals]
    assert details[0].replace(town.namespace, "no-such-town") == details[1]


def test_the_route_of_a_task_called_watch_is_another(town: Town) -> None:
    assert town.owner.get(town.url("/tasks/me/watch/builds")).json() == NOT_FOUND

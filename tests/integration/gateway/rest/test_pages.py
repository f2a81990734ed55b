"""Paged lists of Tasks and of builds."""

import pytest

from integration.gateway.rest.rest_namespace import RestNamespace, build


def test_tasks_come_in_pages_that_hide_and_repeat_nothing(ns: RestNamespace) -> None:
    names = {f"task-{number}" for number in range(5)}
    for name in sorted(names):
        ns.task(name)
    whole = ns.owner.get("/tasks").json()["tasks"]
    found, token = [], ""
    for expected in (2, 2, 1):
        page = ns.owner.get(ns.url("/tasks"), params={"limit": 2, "continue": token, "q": "owner:me"}).json()
        assert page["count"] == expected
        found += page["tasks"]
        token = page.get("continue", "")
    assert token == ""
    assert found == whole
    assert {task["name"] for task in found} == names


def test_builds_are_listed_newest_first_with_the_one_that_is_only_reserved(ns: RestNamespace) -> None:
    task = ns.task()
    for number in (1, 2, 3):
        ns.workspace.build(task, number)
    ns.workspace.patch_task("hello", {"build": build(4, phase="Pending")})
    url = ns.url("/tasks/me/hello/builds")
    ns.wait(url, lambda answer: answer.json()["count"] == 4)
    first = ns.owner.get(url, params={"limit": 3}).json()
    second = ns.owner.get(url, params={"limit": 3, "continue": first["continue"]}).json()
    assert [entry["build_number"] for entry in first["builds"] + second["builds"]] == [4, 3, 2, 1]
    assert "continue" not in second


@pytest.mark.parametrize("path", ["/tasks", "/tasks/me/hello/builds", "/tasks/me/hello/inputs"])
@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "many"}, {"continue": "x"}, {"continue": "WzEsMl0"}])
def test_a_page_that_cannot_be_asked_for_is_refused(ns: RestNamespace, path: str, query: dict[str, str]) -> None:
    task = ns.task()
    ns.workspace.build(task, 1)
    ns.owner.post(ns.url("/tasks/me/hello/inputs"), json={"content": "hi"})
    for path_of_list in ("/tasks/me/hello/builds", "/tasks/me/hello/inputs"):
        ns.wait(ns.url(path_of_list), lambda answer: answer.json()["count"] == 1)
    answer = ns.owner.get(ns.url(path), params=query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["validations"][0]["field"] == next(iter(query))

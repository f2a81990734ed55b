"""Copies of the objects of one Task."""

import json

from bench.specimen import NAME, Specimen

UIDS = {"task": "11111111-aaaa", "build": "22222222-bbbb", "pod": "33333333-cccc"}


def metadata(name: str, uid: str, **more: object) -> dict[str, object]:
    return {"name": name, "namespace": "team", "uid": uid, "resourceVersion": "17", "managedFields": [{}], **more}


def specimen() -> Specimen:
    owner = [{"kind": "Task", "name": NAME, "uid": UIDS["task"]}]
    container = {"name": "agent", "image": "shell", "imagePullPolicy": "Always", "env": [{"name": "T", "value": NAME}]}
    own = {"apiVersion": "taskyard.dev/v1alpha1"}
    return Specimen(
        "team",
        {
            **own,
            "kind": "Task",
            "metadata": metadata(NAME, UIDS["task"]),
            "spec": {"prompt": "work"},
            "status": {"build": {"name": f"{NAME}-1", "number": 1}},
        },
        {
            **own,
            "kind": "WorkspaceBuild",
            "metadata": metadata(f"{NAME}-1", UIDS["build"], ownerReferences=owner),
            "spec": {"task": NAME, "number": 1},
            "status": {"podUID": UIDS["pod"]},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata(f"{NAME}-1", UIDS["pod"], ownerReferences=owner),
            "spec": {"containers": [container], "schedulerName": "default-scheduler"},
            "status": {"phase": "Pending"},
        },
    )


def test_a_new_task_has_only_what_its_author_writes() -> None:
    assert specimen().new_task("one") == {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "Task",
        "metadata": {"name": "one"},
        "spec": {"prompt": "work"},
    }


def test_a_new_build_belongs_to_its_task() -> None:
    assert specimen().new_build("one", "uid-one") == {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "WorkspaceBuild",
        "metadata": {"name": "one-1", "ownerReferences": [{"kind": "Task", "name": "one", "uid": "uid-one"}]},
        "spec": {"task": "one", "number": 1},
    }


def test_a_new_pod_is_asked_for_without_what_the_api_server_fills_in() -> None:
    pod = specimen().new_pod("one", "uid-one")
    assert pod["metadata"]["ownerReferences"] == [{"kind": "Task", "name": "one", "uid": "uid-one"}]
    assert pod["spec"] == {
        "initContainers": [],
        "containers": [{"name": "agent", "image": "shell", "env": [{"name": "T", "value": "one"}]}],
    }
    assert "status" not in pod


def test_the_status_is_patched_as_of_the_new_task() -> None:
    assert specimen().new_status("one") == {"status": {"build": {"name": "one-1", "number": 1}}}


def test_stored_objects_are_whole_under_their_own_names_and_uids() -> None:
    entries = list(specimen().stored(iter(["one", "two"]), seed=7))
    assert [key for key, _ in entries] == [
        "/registry/taskyard.dev/tasks/team/one",
        "/registry/taskyard.dev/workspacebuilds/team/one-1",
        "/registry/pods/team/one-1",
        "/registry/taskyard.dev/tasks/team/two",
        "/registry/taskyard.dev/workspacebuilds/team/two-1",
        "/registry/pods/team/two-1",
    ]
    task, build, pod, *others = [json.loads(value) for _, value in entries]
    uids = [found["metadata"]["uid"] for found in (task, build, pod, *others)]
    assert len(set(uids)) == 6
    assert build["metadata"]["ownerReferences"] == [{"kind": "Task", "name": "one", "uid": uids[0]}]
    assert build["status"] == {"podUID": uids[2]}
    assert pod["spec"]["containers"][0]["env"] == [{"name": "T", "value": "one"}]
    assert all("resourceVersion" not in found["metadata"] for found in (task, build, pod))


def test_uids_of_two_calls_differ() -> None:
    first, second = (next(specimen().stored(iter(["one"]), seed=seed))[1] for seed in (0, 1))
    assert json.loads(first)["metadata"]["uid"] != json.loads(second)["metadata"]["uid"]


def test_the_prefixes_cover_all_objects_of_a_task() -> None:
    prefixes = specimen().prefixes("one")
    for key, _ in specimen().stored(iter(["one-1"]), seed=0):
        assert key.startswith(prefixes)

"""The largest objects, and how what they do is judged."""

import json

from bench import arrivals, hostile
from bench.arrivals import Window


def test_tasks_and_versions_get_the_largest_annotation_and_pods_and_builds_stay_as_they_are() -> None:
    entries = [
        (f"/registry/{folder}/team/one", b'{"metadata": {"name": "one"}}')
        for folder in ("taskyard.dev/tasks", "taskyard.dev/templateversions", "taskyard.dev/workspacebuilds", "pods")
    ]
    task, version, build, pod = hostile.huge(iter(entries))
    for _, value in (task, version):
        found = json.loads(value)["metadata"]
        assert found["name"] == "one"
        # The API server counts names and values, and takes 256 KiB.
        assert 250_000 < sum(len(key) + len(text) for key, text in found["annotations"].items()) <= 256 * 1024
    assert (build, pod) == (entries[2], entries[3])


def test_the_limits_are_those_of_the_chart() -> None:
    assert hostile.memory_limit("operator") >= 128
    assert hostile.memory_limit("gateway") >= 128


def test_a_task_without_a_pod_counts_as_late_as_it_was_waited_for() -> None:
    assert hostile.p99(Window((0.01,) * 99, 0)) == 10
    assert hostile.p99(Window((0.01,) * 99, 5)) == arrivals.DRAIN_SECONDS * 1000

"""The largest objects, and how what they do is judged."""

import json

from bench import arrivals, hostile
from bench.arrivals import Window


def test_tasks_and_versions_are_as_large_as_they_can_be_and_pods_and_builds_stay_as_they_are() -> None:
    entries = [
        (f"/registry/{folder}/team/one", b'{"metadata": {"name": "one"}, "spec": {"paused": true}}')
        for folder in ("taskyard.dev/tasks", "taskyard.dev/templateversions", "taskyard.dev/workspacebuilds", "pods")
    ]
    task, version, build, pod = hostile.huge(iter(entries))
    for (_, value), fields in ((task, {"parameters"}), (version, {"parameters", "presets"})):
        found = json.loads(value)
        assert found["metadata"]["name"] == "one"
        # The API server counts names and values, and takes 256 KiB.
        annotations = found["metadata"]["annotations"]
        assert 250_000 < sum(len(key) + len(text) for key, text in annotations.items()) <= 256 * 1024
        assert found["spec"].keys() == {"paused"} | fields
        # The chart's policy admits 64 KiB of them.
        given = sum(len(json.dumps(found["spec"][field])) for field in fields)
        assert 60_000 < given <= 64 * 1024 + 8 * 1024
    assert (build, pod) == (entries[2], entries[3])


def test_the_limits_are_those_of_the_chart() -> None:
    assert hostile.memory_limit("operator") >= 128
    assert hostile.memory_limit("gateway") >= 128


def test_a_task_without_a_pod_counts_as_late_as_it_was_waited_for() -> None:
    assert hostile.p99(Window((0.01,) * 99, 0)) == 10
    assert hostile.p99(Window((0.01,) * 99, 5)) == arrivals.DRAIN_SECONDS * 1000

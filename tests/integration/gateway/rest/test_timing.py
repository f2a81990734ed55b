"""A denial takes as long as an absence: the time must not reveal that there is a Task."""

import statistics
import time

from integration.gateway.rest.rest_namespace import RestNamespace

ROUNDS = 60
# On a busy machine single answers take much longer than usual; medians do not.
NOISE_SECONDS = 0.003


def test_a_denial_takes_as_long_as_an_absence(ns: RestNamespace, other_ns: RestNamespace) -> None:
    uid = ns.task()["metadata"]["uid"]
    paths = {
        "denied by name": f"/tasks/{ns.name}/hello",
        "absent by name": f"/tasks/{ns.name}/nothing",
        "denied by UID": f"/tasks/me/{uid}",
        "absent by UID": f"/tasks/me/{uid[:-4]}0000",
    }
    taken: dict[str, list[float]] = {what: [] for what in paths}
    for _ in range(ROUNDS):
        for what, path in paths.items():
            began = time.perf_counter()
            assert other_ns.owner.get(path).status_code == 404
            taken[what].append(time.perf_counter() - began)
    medians = {what: statistics.median(seconds) for what, seconds in taken.items()}
    assert max(medians.values()) - min(medians.values()) < NOISE_SECONDS, medians

"""What a patch of a Task's status costs the API server, beside the creation of a ConfigMap."""

from __future__ import annotations

from dataclasses import dataclass

from bench import usage
from bench.installation import TEAM, Installation
from bench.specimen import NAME, Specimen

ROUNDS = 16
EACH = 25


@dataclass(frozen=True)
class Cost:
    """Seconds of the API server's CPU for one request of each kind."""

    patch: float
    create: float

    @property
    def ratio(self) -> float:
        return self.patch / self.create


def patch_beside_create(setting: Installation, specimen: Specimen) -> Cost:
    """Patches the specimen's status as its reservation does, and creates ConfigMaps, in turns, one after the other."""
    kube, used = setting.kube, {"patch": 0.0, "create": 0.0}
    build = specimen.task["status"]["build"]
    usage.until_at_rest(setting.apiserver, seconds=5)
    for number in range(ROUNDS):
        used["create"] -= usage.cpu_seconds(setting.apiserver)
        for each in range(EACH):
            kube.create("configmaps", TEAM, {"metadata": {"name": f"cost-{number}-{each}"}, "data": {"key": "value"}})
        between = usage.cpu_seconds(setting.apiserver)
        used["create"] += between
        used["patch"] -= between
        for each in range(EACH):
            status = {"build": {**build, "createdAt": f"2026-01-01T00:{number:02}:{each:02}.000000Z"}}
            kube.patch("tasks", TEAM, NAME, {"status": status}, subresource="status")
        used["patch"] += usage.cpu_seconds(setting.apiserver)
    return Cost(patch=used["patch"] / (ROUNDS * EACH), create=used["create"] / (ROUNDS * EACH))

"""Stand-ins for scheduler and kubelets: Pods are bound, run, become ready, end, and sometimes meet a fault."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from functools import partial
from random import Random

from integration.chaos.dice import Dice
from integration.chaos.gatewaystandin import Gateway
from integration.chaos.retrying_client import RetryingKube
from integration.chaos.schedule import Schedule
from integration.chaos.sidecars import Sidecars
from integration.controller.kubelet import NODE, container
from kube import Object
from taskyard.core.names import KEYS_SECRET, TASK_LABEL
from taskyard.core.ownership import owner_uid
from taskyard.core.security.keyring import keyring_from
from taskyard.gateway.sidecars.pod_binding import PodBinding

ENROL_AGAIN_SECONDS = 0.2
# The back-off between recoveries doubles from ten seconds: after more of them a Task would not settle in time.
MAX_MISFORTUNES = 2
# The share of running Pods that meet the fault, in percent.
FATES = {"lost": 6.0, "failed": 5.0, "deleted by hand": 4.0, "not ready for a while": 6.0}
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


@dataclass
class Life:
    """The state of one Pod."""

    name: str
    uid: str
    task: str
    task_uid: str
    ip: str
    dice: Random
    leaving: bool = False
    gone: bool = False


class Nodes:
    """Receives Pods from a watch; `calm` ends all faults."""

    def __init__(
        self, kube: RetryingKube, namespace: str, dice: Dice, schedule: Schedule, sidecars: Sidecars, gateway: Gateway
    ) -> None:
        self._kube = kube
        self._namespace = namespace
        self._dice = dice
        self._schedule = schedule
        self._sidecars = sidecars
        self._gateway = gateway
        self._lives: dict[str, Life] = {}
        self._names: Counter[str] = Counter()
        self._misfortunes: Counter[str] = Counter()
        self._keys = threading.Lock()
        self._has_keys = False
        self.met: Counter[str] = Counter()
        self.calm = False

    def pod_event(self, kind: str, pod: Object) -> None:
        """Handles a Pod that was created, changed or deleted."""
        metadata = pod["metadata"]
        uid = metadata["uid"]
        if kind == "DELETED":
            life = self._lives.pop(uid, None)
            if life is not None:
                life.gone = True
                self._schedule.after(0, lambda: self._sidecars.close(uid))
            return
        life = self._lives.get(uid)
        if life is None:
            self._names[metadata["name"]] += 1
            life = self._lives[uid] = Life(
                name=metadata["name"],
                uid=uid,
                task=metadata["labels"][TASK_LABEL],
                task_uid=owner_uid(pod) or "",
                ip=self._sidecars.address(),
                dice=self._dice.of("pod", metadata["name"], self._names[metadata["name"]]),
            )
            bound = life
            self._schedule.after(self._delay(life, 0.02, 0.8, 4.0), lambda: self._bind(bound))
        if "deletionTimestamp" in metadata and not life.leaving:
            life.leaving = True
            leaving = life
            self._schedule.after(self._delay(life, 0.05, 1.0, 5.0), lambda: self._remove(leaving))

    def worked(self, pod_uid: str) -> None:
        """The agent of a Pod has received a message and works on it for a while."""
        life = self._lives.get(pod_uid)
        if life is not None:
            self._schedule.after(0, lambda: self._report(life, "working"))
            self._schedule.after(life.dice.uniform(0.1, 1.0), lambda: self._report(life, "idle"))

    def _delay(self, life: Life, least: float, most: float, longest: float) -> float:
        """A delay in seconds; one in ten is much longer than usual."""
        if self.calm:
            return least
        return life.dice.uniform(most, longest) if life.dice.random() < 0.1 else life.dice.uniform(least, most)

    def _bind(self, life: Life) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": life.name, "uid": life.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
        }
        if life.gone or life.leaving:
            return
        self._kube.send("POST", self._kube.path("pods", self._namespace, life.name, "binding"), binding)
        self._schedule.after(self._delay(life, 0.02, 0.5, 3.0), lambda: self._run(life))

    def _run(self, life: Life) -> None:
        if life.gone or life.leaving:
            return
        self._show(life, ready=False)
        self._ensure_keys()
        self._sidecars.open(life.ip, pod_uid=life.uid, task_uid=life.task_uid)
        if life.gone:
            self._sidecars.close(life.uid)
        self._enrol(life)

    def _enrol(self, life: Life) -> None:
        if life.gone or life.leaving:
            return
        match self._gateway.enrol(life.name, life.uid):
            case PodBinding.CURRENT:
                self._schedule.after(self._delay(life, 0.02, 0.5, 2.0), lambda: self._get_ready(life))
            case PodBinding.UNRECORDED:
                self._schedule.after(ENROL_AGAIN_SECONDS, lambda: self._enrol(life))

    def _get_ready(self, life: Life) -> None:
        if life.gone:
            return
        self._show(life, ready=True)
        self._report(life, "idle")
        throw = life.dice.uniform(0, 100)
        for fate, share in FATES.items():
            throw -= share
            if throw < 0:
                self._schedule.after(life.dice.uniform(0.2, 5.0), partial(self._meet, life, fate))
                return

    def _meet(self, life: Life, fate: str) -> None:
        if self.calm or life.gone or life.leaving or self._misfortunes[life.task] >= MAX_MISFORTUNES:
            return
        if fate != "not ready for a while":
            self._misfortunes[life.task] += 1
        self.met[f"Pod {fate}"] += 1
        match fate:
            case "lost":
                self._remove(life)
            case "failed":
                ended = {"terminated": {"exitCode": 137, "reason": "Evicted"}}
                self._status(
                    life,
                    phase="Failed",
                    reason="Evicted",
                    initContainerStatuses=[container("taskyard-sidecar", ended, ready=False)],
                    containerStatuses=[container("agent", ended, ready=False)],
                )
                self._sidecars.close(life.uid)
            case "deleted by hand":
                body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": life.uid}}
                self._kube.send("DELETE", self._kube.path("pods", self._namespace, life.name), body)
            case "not ready for a while":
                self._show(life, ready=False)
                self._schedule.after(life.dice.uniform(0.2, 2.0), lambda: self._show(life, ready=True))

    def _show(self, life: Life, *, ready: bool) -> None:
        self._status(
            life,
            phase="Running",
            podIP=life.ip,
            podIPs=[{"ip": life.ip}],
            initContainerStatuses=[container("taskyard-sidecar", RUNNING, ready=ready)],
            containerStatuses=[container("agent", RUNNING, ready=True)],
        )

    def _report(self, life: Life, state: str) -> None:
        if not life.gone:
            self._gateway.report(life.name, life.uid, state)

    def _status(self, life: Life, **status: object) -> None:
        body = {"metadata": {"uid": life.uid}, "status": status}
        self._kube.send("PATCH", self._kube.path("pods", self._namespace, life.name, "status"), body)

    def _remove(self, life: Life) -> None:
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "preconditions": {"uid": life.uid},
        }
        self._kube.send("DELETE", self._kube.path("pods", self._namespace, life.name), body)

    def _ensure_keys(self) -> None:
        with self._keys:
            if not self._has_keys:
                secret = self._kube.read(self._kube.path("secrets", self._namespace, KEYS_SECRET))
                assert secret is not None
                self._sidecars.use(keyring_from(secret["data"]))
                self._has_keys = True

"""Faults of the processes: the operator is killed with SIGKILL, the API server is restarted."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from random import Random

from integration.chaos.dice import Dice
from integration.chaos.faults import ChaosProxy
from integration.controller.operatorprocess import OperatorProcess
from localcluster.controlplane import ControlPlane

KILL_AFTER_SECONDS = (1.0, 8.0)
# Half of the kills happen at a write of the operator, just before or just after it reached the API server.
KILL_AFTER_WRITES = (1, 300)
DOWN_SECONDS = (0.0, 0.7)
WATCH_EVERY_SECONDS = 0.05


class ProcessFaults:
    """Keeps the operator running, except for the kills; a thread for each kind of fault, until `stop`."""

    def __init__(
        self,
        dice: Dice,
        *,
        operator: OperatorProcess,
        proxy: ChaosProxy,
        plane: ControlPlane,
    ) -> None:
        self._dice = dice
        self._operator = operator
        self._proxy = proxy
        self._plane = plane
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self.met: Counter[str] = Counter()
        self.faults: list[str] = []

    def begin(self, *, seconds: float) -> None:
        """Starts the faults, for a time in seconds."""
        for work in (self._kill_operator, self._restart_apiserver):
            thread = threading.Thread(target=self._guarded, args=(work, seconds), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Ends the faults; the operator runs when this returns."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive(), "a restart did not finish"
        self.keep_running()

    def keep_running(self) -> None:
        """Restarts an operator that has exited by itself, for example after losing its Lease, as a kubelet would."""
        if not self._operator.is_running:
            self.met["operator ended by itself"] += self._operator.ended_by_itself
            self._start_again()

    def _guarded(self, work: object, seconds: float) -> None:
        try:
            work(time.monotonic() + seconds)  # type: ignore[operator]
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")

    def _kill_operator(self, end: float) -> None:
        nth = 0
        while not self._stopped.is_set() and time.monotonic() < end:
            nth += 1
            dice = self._dice.of("kill", nth)
            by_write, early = dice.random() < 0.5, dice.random() < 0.3
            if by_write:
                self._kill_at_a_write(dice)
            if not early:
                self._wait_ready()
            until = time.monotonic() + dice.uniform(*KILL_AFTER_SECONDS)
            while self._operator.is_running and not self._stopped.is_set() and time.monotonic() < until:
                self._stopped.wait(WATCH_EVERY_SECONDS)
            self._proxy.hook = None
            if self._stopped.is_set():
                return
            if self._operator.is_running:
                self._operator.kill()
                self.met["operator killed"] += 1
            self._operator.wait_dead()
            if self._operator.ended_by_itself:
                self.met["operator ended by itself"] += 1
            self._stopped.wait(dice.uniform(*DOWN_SECONDS))
            self._start_again()

    def _wait_ready(self) -> None:
        """Returns once the operator has started its work or has ended, after at most half a minute."""
        with contextlib.suppress(AssertionError):
            self._operator.wait_ready()

    def _kill_at_a_write(self, dice: Random) -> None:
        """Makes one of the operator's next writes kill it."""
        target = len(self._proxy.writes) + dice.randint(*KILL_AFTER_WRITES)
        moment = dice.choice(("before", "after"))

        def strike(number: int, when: str, _: str) -> bool:
            if number != target or when != moment:
                return False
            self._operator.kill()
            self.met[f"operator killed {moment} a write"] += 1
            return moment == "before"

        self._proxy.hook = strike

    def _start_again(self) -> None:
        self._operator.wait_dead()
        self._operator.start()

    def _restart_apiserver(self, end: float) -> None:
        dice = self._dice.of("apiserver")
        begin = time.monotonic()
        if self._stopped.wait((end - begin) * dice.uniform(0.15, 0.4)):
            return
        self._plane.stop_apiserver()
        self._stopped.wait(dice.uniform(0, 1.5))
        self._plane.start_apiserver()
        # The garbage collector mistakes a Task that was deleted and created again meanwhile for the one it knew, and
        # would never remove the earlier one's objects; a new one does. The operator removes only objects that block it.
        self._plane.restart_controller_manager()
        self.met["API server restarted"] += 1

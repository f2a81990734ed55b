"""A sidecar with a small share of a core reads late, and never takes its own delay for the agent's silence."""

from __future__ import annotations

import pytest

from unit.sidecar.pod import Pod, until
from unit.sidecar.throttle import throttled

SHARE = 0.2
PATIENCE = 60.0
FRAME = r"printf '\033[H\033[2Kframe %s %0999d' $i $i"
REDRAWS = rf"for i in $(seq 150); do {FRAME}; done; printf '\033[2J\033[H'; echo done"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("yes 'a flood of text' | head -c 150000; echo; echo done", id="lines"),
        pytest.param(REDRAWS, id="one screen redrawn repeatedly"),
    ],
)
def test_unread_output_does_not_count_as_rest(pod: Pod, command: str) -> None:
    """T18"""
    pod.start_agent()
    pod.start_sidecar()
    until("the first idle state", lambda: pod.states()[-1:] == [("idle", "")])
    told = len(pod.states())
    assert pod.sidecar is not None
    with throttled(pod.sidecar.pid, SHARE):
        assert pod.post(command).json() == {"ok": True}
        until("the end", lambda: pod.states()[-1][0] == "idle" and len(pod.states()) > told, PATIENCE)
        states = pod.states()[told:]
    assert states[-1] == ("idle", "done")
    assert [state for state, _ in states].count("idle") == 1


def test_flood_before_the_first_rest_is_looked_at_to_its_end(pod: Pod) -> None:
    """T18: the greeting of a program that floods its terminal and then waits, a tenth of a core for it."""
    pod.start_agent(("bash", "-c", "timeout 2 yes 'a flood of text'; echo; echo done; read x"))
    pod.start_sidecar()
    until("the sidecar", lambda: pod.status())
    assert pod.sidecar is not None
    with throttled(pod.sidecar.pid, SHARE / 2):
        until("the end", lambda: pod.states()[-1:] and pod.states()[-1][0] == "idle", PATIENCE)
        [(_, greeting)] = pod.contents()
    assert greeting.endswith("\ndone")
    assert [state for state, _ in pod.states()].count("idle") == 1

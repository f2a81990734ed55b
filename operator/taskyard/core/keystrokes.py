"""Whether keystrokes have a screen to be for.

Keys answer what the agent's screen shows to whoever presses them. A Task without a running Pod has no screen, and that
of its next Pod is another one: keys that waited for it would be pressed before anybody could know what they do there,
and would spoil the message after them. So they are refused, whatever else the input asks for.
"""

from __future__ import annotations

from datetime import datetime

from taskyard.api.vocabulary import InputType, Phase, Transition
from taskyard.core import starting
from taskyard.core.input_view import InputView
from taskyard.core.pod_view import PodView
from taskyard.core.task_view import TaskView

REMEDY = "Apply it again, under another name, when the Task is Active."


def agent_since(pod: PodView | None, *, latest: datetime | None = None) -> datetime | None:
    """Since when a Pod's agent may have a screen; None while it does not run. The Pod's creation and that of an input
    are by one clock; only after a restart of the container the node's counts, and that may be ahead: not beyond
    `latest`, when the restart was seen."""
    if pod is None or pod.deleting or pod.ended or (pod.agent and not pod.agent.running):
        return None
    restarted_at = pod.agent.restarted_at if pod.agent else None
    if restarted_at is None:
        return pod.created_at
    return max(pod.created_at, min(restarted_at, latest) if latest else restarted_at)


def refusal(entry: InputView, task: TaskView | None, *, agent_since: datetime | None) -> str | None:
    """Why an input of type Raw is refused; None for one that is not, and for every other type. `agent_since` is since
    when the agent runs, None while it does not."""
    if entry.type is not InputType.RAW or (task and task.deleting):
        return None
    cause = without_screen(entry.task, task, agent_since=agent_since)
    if cause is None and agent_since and entry.created_at < agent_since:
        cause = f'the agent of Task "{entry.task}" was started after it'
    if cause is None:
        return None
    doubt = " A delivery of it has failed before, so it is in doubt whether it was pressed." if entry.attempts else ""
    return f"Keystrokes (type Raw) are for what is on the agent's screen, and {cause}.{doubt} {REMEDY}"


def without_screen(name: str, task: TaskView | None, *, agent_since: datetime | None) -> str | None:
    """Why a Task's agent has no screen now; None when it has one."""
    if task is None:
        return f'there is no Task "{name}"'
    build, phase = task.build, task.status.get("phase")
    if build is None or phase == Phase.PENDING:
        return f'Task "{name}" {"is paused" if phase == Phase.PAUSED else "has not started yet"}'
    if build["transition"] != Transition.START:
        return f'Task "{name}" is {"paused" if phase == Phase.PAUSED else "being paused"}'
    if agent_since is None:
        return f'the agent of Task "{name}" does not run now'
    workspace = task.status.get("workspace") or {}
    # An agent that has answered in this Pod, or whose start script holds its prompt up, has shown something.
    if phase == Phase.ACTIVE or workspace.get("activeAt") or starting.reported(task.status) is not None:
        return None
    return f'the agent of Task "{name}" is still starting'

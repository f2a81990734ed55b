"""The agent's last report about itself and the outputs that it has set, as they are kept on the disk."""

from collections.abc import Callable

from taskyard.sidecar.conversation import task_outputs
from taskyard.sidecar.conversation.records import Record
from taskyard.sidecar.conversation.reports import AgentReport, State


class StatusStore:
    """`agent_report` is the agent's last report, `outputs` are the values that it has set; `notice` tells how a turn
    was cut short; `passed_over` is the digest in hex of the prompt that the agent could not take, before it got other
    messages. `task` is the UID of the Task in which the agent reported, empty where 0.1 kept it. `save` keeps them all.
    """

    def __init__(self, append: Callable[[Record], None]) -> None:
        self.agent_report: AgentReport | None = None
        self.outputs: dict[str, str] = {}
        self.notice = ""
        self.passed_over = ""
        self.task = ""
        self._append = append

    def save(self) -> None:
        """Writes them and waits for the disk; the archive logs a disk failure."""
        self._append(self.record())

    def record(self) -> Record:
        report = self.agent_report._asdict() if self.agent_report is not None else None
        # The names of version 0.1, which are in the files of running Tasks.
        kept = {"word": report, "outputs": self.outputs, "notice": self.notice, "passed_over": self.passed_over}
        return {"standing": kept | {"task": self.task}}

    def take(self, record: Record) -> None:
        """Reads a record of the file; one of another kind is ignored."""
        match record.get("standing"):
            case {"word": report, "outputs": values, **rest}:
                notice, passed_over, task = rest.get("notice"), rest.get("passed_over"), rest.get("task")
                self.notice = notice if isinstance(notice, str) else ""
                self.passed_over = passed_over if isinstance(passed_over, str) else ""
                self.task = task if isinstance(task, str) else ""
                self.agent_report = _agent_report(report)
                self.outputs = task_outputs.kept(values)


def _agent_report(value: object) -> AgentReport | None:
    match value:
        case {"state": str() | None as state, "summary": str(summary), "link": str(link), "build": int(build)} if (
            state is None or state in set(State)
        ):
            return AgentReport(State(state) if state is not None else None, summary, link, build)
    return None

"""The agent's state as reported to the gateway: what is observed of the agent, and what it reports about itself."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from taskyard.core import agenttype
from taskyard.sidecar.conversation import reports, task_outputs
from taskyard.sidecar.conversation.conversation import Conversation, Turn
from taskyard.sidecar.conversation.reports import AgentReport, Report
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.conversation.status_store import StatusStore
from taskyard.sidecar.drivers.base import Driver
from taskyard.sidecar.gateway.reporter import Reporter


class Observation(NamedTuple):
    """`prompt_sha256`: of the prompt, once the agent has it. `trouble` keeps the prompt from the agent, for good if
    `is_refused`.
    """

    status: Status
    driver: Driver
    prompt_sha256: str | None
    trouble: str = ""
    is_refused: bool = False


class ReportedState:
    """`build` is the number of this Pod's build, `task` the UID of its Task: what the agent reported in an earlier one
    does not count, nor in a Task that had this home before, whose builds had the same numbers. While
    the agent is `ending`, what it shows is ignored, and only its own reports count.
    """

    def __init__(
        self,
        *,
        build: int,
        task: str,
        conversation: Conversation,
        store: StatusStore,
        reporter: Reporter[Report],
        outputs_reporter: Reporter[Mapping[str, str]],
    ) -> None:
        self._build = build
        self._conversation = conversation
        self._store = store
        self._reporter = reporter
        self._outputs_reporter = outputs_reporter
        self._status: Status | None = None
        self._at_agent: dict[str, Any] = {}
        self.ending = self._says_farewell = self._has_run = False
        if store.agent_report is not None and (store.agent_report.build != build or store.task not in ("", task)):
            store.agent_report = None
        store.task = task
        if store.outputs:
            outputs_reporter.tell(store.outputs)

    @property
    def says_farewell(self) -> bool:
        """Whether the agent was asked to end, and is one of those that take their leave: what it shows is no answer."""
        return self.ending and self._says_farewell

    def see(self, seen: Observation) -> None:
        """Reports what is observed. Nothing is reported while the agent is unreachable or ending: the last report
        stays.
        """
        if self.ending or not seen.driver.reachable:
            return
        report = self._store.agent_report
        if report is not None and self._status is not None and seen.status is not self._status:
            report = self._store.agent_report = report.after_change()
        self._status = seen.status
        said = self._conversation.open_message
        told = reports.report(
            seen.status,
            self._conversation,
            instance=seen.driver.instance,
            question=seen.driver.question,
            trouble=seen.trouble,
            refused=seen.is_refused,
            notice=self._store.notice,
            summary=seen.driver.summary(said.content) if said is not None and seen.status is Status.STABLE else "",
            agent_report=report,
            prompt_sha256=seen.prompt_sha256,
        )
        driver = seen.driver
        self._at_agent = {
            "asks": driver.asks,
            "question": driver.asked,
            "follows_start": driver.follows_start,
            "starting": reports.starting(driver.starting, driver.not_reading) if driver.follows_start else None,
        }
        self._tell(told)

    def _tell(self, report: Report) -> None:
        """Reports it with what was last seen at the agent: a report may overtake the one before it."""
        self._reporter.tell(report._replace(**self._at_agent))

    def begin_turn(self) -> None:
        """Drops what was said before a new message to the agent."""
        self.ending = self._says_farewell = False
        if self._store.agent_report is not None or self._store.notice:
            self._store.agent_report, self._store.notice = None, ""
            self._store.save()

    def end(self, seen: Observation) -> None:
        """The agent is being asked to end. What it shows from then on is its farewell if it is known to take its leave
        or, being of a known type, was at rest; an unknown program may be working silently.
        """
        if not self.ending:
            at_rest = seen.status is Status.STABLE and seen.driver.agent_type != agenttype.CUSTOM
            self._says_farewell = at_rest or seen.driver.takes_leave
        self.ending = True

    def begin_run(self, turn: Turn | None) -> None:
        """The agent runs anew; `turn` was the last one before."""
        self.ending = self._says_farewell = False
        notice = reports.notice(turn, same_pod=self._has_run)
        if turn is not None and not turn.typed:
            notice = self._store.notice  # no message came since, so that is still the news
        self._has_run = True
        if notice != self._store.notice:
            self._store.notice = notice
            self._store.save()

    def find_run(self) -> None:
        """The agent runs still, since before this sidecar was started or the connection was lost."""
        self._has_run = True

    def finish(self, exit_status: int, prompt_sha256: str | None) -> None:
        """Reports the result of a command that has ended, unless it failed after it was asked to end."""
        if self.ending and exit_status != 0:
            return
        report = self._store.agent_report = reports.result(
            exit_status, self._conversation, agent_report=self._store.agent_report, build=self._build
        )
        self._store.save()
        assert report.state is not None
        self._tell(Report(report.state, report.summary, prompt_sha256, report.link))

    # What the agent reports about itself.

    def report(self, state: object, summary: object, link: object, prompt_sha256: str | None) -> AgentReport:
        """Raises reports.AgentReportError."""
        report = self._store.agent_report = reports.agent_report(state, summary, link, build=self._build)
        self._store.save()
        assert report.state is not None
        self._tell(Report(report.state, report.summary, prompt_sha256, report.link))
        return report

    def set_output(self, name: object, value: object) -> None:
        """Raises task_outputs.OutputError."""
        changed = task_outputs.with_value(self._store.outputs, name, value)
        if changed != self._store.outputs:
            self._store.outputs = changed
            self._store.save()
            self._outputs_reporter.tell(changed)

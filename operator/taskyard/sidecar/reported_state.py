"""The agent's state as reported to the gateway: what is observed of the agent, and what it reports about itself."""

from collections.abc import Mapping
from dataclasses import replace

from taskyard.sidecar.conversation import reports, task_outputs
from taskyard.sidecar.conversation.conversation import Conversation
from taskyard.sidecar.conversation.reports import AgentReport, Report
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.conversation.status_store import StatusStore
from taskyard.sidecar.drivers.base import Driver
from taskyard.sidecar.gateway.reporter import Reporter


class ReportedState:
    """`build` is the number of this Pod's build: what the agent reported in an earlier build does not count. While the
    agent is `ending`, what it shows is ignored, and only its own reports count.
    """

    def __init__(
        self,
        *,
        build: int,
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
        self.ending = False
        if store.agent_report is not None and store.agent_report.build != build:
            store.agent_report = None
        if store.outputs:
            outputs_reporter.tell(store.outputs)

    def see(self, status: Status, driver: Driver, prompt_sha256: str | None, trouble: str = "") -> None:
        """Reports what is observed, and the `trouble` that keeps the prompt from the agent. Nothing is reported while
        the agent is unreachable or ending: the last report stays.
        """
        if self.ending or not driver.reachable:
            return
        report = self._store.agent_report
        if report is not None and self._status is not None and status is not self._status:
            report = self._store.agent_report = report.after_change()
        self._status = status
        seen = reports.report(
            status,
            self._conversation,
            instance=driver.instance,
            question=driver.question,
            trouble=trouble,
            agent_report=report,
            prompt_sha256=prompt_sha256,
        )
        self._reporter.tell(replace(seen, asks=driver.asks, question=driver.asked))

    def forget_agent_report(self) -> None:
        """Drops the agent's report when a new message to the agent begins."""
        self.ending = False
        if self._store.agent_report is not None:
            self._store.agent_report = None
            self._store.save()

    def finish(self, exit_status: int, prompt_sha256: str | None) -> None:
        """Reports the result of a command that has ended, unless it failed after it was asked to end."""
        if self.ending and exit_status != 0:
            return
        report = self._store.agent_report = reports.result(
            exit_status, self._conversation, agent_report=self._store.agent_report, build=self._build
        )
        self._store.save()
        assert report.state is not None
        self._reporter.tell(Report(report.state, report.summary, prompt_sha256, report.link))

    # What the agent reports about itself.

    def report(self, state: object, summary: object, link: object, prompt_sha256: str | None) -> AgentReport:
        """Raises reports.AgentReportError."""
        report = self._store.agent_report = reports.agent_report(state, summary, link, build=self._build)
        self._store.save()
        assert report.state is not None
        self._reporter.tell(Report(report.state, report.summary, prompt_sha256, report.link))
        return report

    def set_output(self, name: object, value: object) -> None:
        """Raises task_outputs.OutputError."""
        changed = task_outputs.with_value(self._store.outputs, name, value)
        if changed != self._store.outputs:
            self._store.outputs = changed
            self._store.save()
            self._outputs_reporter.tell(changed)

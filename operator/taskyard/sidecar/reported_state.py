"""How the agent stands: what is seen of it and what it says of itself, told to the gateway."""

from collections.abc import Mapping
from dataclasses import replace

from taskyard.sidecar.conversation import reports, task_outputs
from taskyard.sidecar.conversation.archive import Archive
from taskyard.sidecar.conversation.conversation import Conversation
from taskyard.sidecar.conversation.reports import AgentReport, Report
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import Driver
from taskyard.sidecar.gateway.reporter import Reporter


class ReportedState:
    """`build` is the number of the build that this Pod belongs to: a word of a former one counts no more. While it is
    `ending`, the agent's farewell is no work of it, and only its own word counts.
    """

    def __init__(
        self,
        *,
        build: int,
        conversation: Conversation,
        archive: Archive,
        reporter: Reporter[Report],
        outputs_reporter: Reporter[Mapping[str, str]],
    ) -> None:
        self._build = build
        self._conversation = conversation
        self._archive = archive
        self._reporter = reporter
        self._outputs_reporter = outputs_reporter
        self._status: Status | None = None
        self.ending = False
        if archive.word is not None and archive.word.build != build:
            archive.word = None
        if archive.outputs:
            outputs_reporter.tell(archive.outputs)

    def see(self, status: Status, driver: Driver, prompt_sha256: str | None, trouble: str = "") -> None:
        """Tells what is seen, and what `trouble` keeps the prompt from the agent. An agent that is not there is no
        news, and neither is one that is asked to end: what was told last stays.
        """
        if self.ending or not driver.reachable:
            return
        word = self._archive.word
        if word is not None and self._status is not None and status is not self._status:
            word = self._archive.word = word.after_news()
        self._status = status
        seen = reports.report(
            status,
            self._conversation,
            instance=driver.instance,
            question=driver.question,
            trouble=trouble,
            word=word,
            prompt_sha256=prompt_sha256,
        )
        self._reporter.tell(replace(seen, asks=driver.asks, question=driver.asked))

    def forget_word(self) -> None:
        """A message to the agent begins: what it said of itself before is over."""
        self.ending = False
        if self._archive.word is not None:
            self._archive.word = None
            self._archive.keep_standing()

    def finish(self, exit_status: int, prompt_sha256: str | None) -> None:
        """The agent was a command, and has ended: that is the result, unless it was asked to end and did so."""
        if self.ending and exit_status != 0:
            return
        word = self._archive.word = reports.result(
            exit_status, self._conversation, word=self._archive.word, build=self._build
        )
        self._archive.keep_standing()
        assert word.state is not None
        self._reporter.tell(Report(word.state, word.summary, prompt_sha256, word.link))

    # The agent's own word.

    def report(self, state: object, summary: object, link: object, prompt_sha256: str | None) -> AgentReport:
        """Raises reports.AgentReportError."""
        word = self._archive.word = reports.word(state, summary, link, build=self._build)
        self._archive.keep_standing()
        assert word.state is not None
        self._reporter.tell(Report(word.state, word.summary, prompt_sha256, word.link))
        return word

    def set_output(self, name: object, value: object) -> None:
        """Raises outputs.OutputError."""
        changed = task_outputs.with_value(self._archive.outputs, name, value)
        if changed != self._archive.outputs:
            self._archive.outputs = changed
            self._archive.keep_standing()
            self._outputs_reporter.tell(changed)

"""The session with drivers whose every move is set: what no real program does at the right moment."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from taskyard.sidecar.conversation.archive import Archive
from taskyard.sidecar.conversation.conversation import TurnEnd
from taskyard.sidecar.conversation.intents import JournalUnavailableError
from taskyard.sidecar.conversation.journal import Journal
from taskyard.sidecar.conversation.reports import Report, State
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import Driver, DriverObserver, RefusedError, UnreachableError
from taskyard.sidecar.gateway.reporter import Reporter, SnapshotUploader
from taskyard.sidecar.message_delivery import NotReadyError
from taskyard.sidecar.publication import TOLD_AFTER
from taskyard.sidecar.reported_state import ReportedState
from taskyard.sidecar.session import Session

PROMPT = "true"
SHA256 = hashlib.sha256(PROMPT.encode()).hexdigest()


class EndedCommand(Driver):
    """A command that has had its prompt, and has ended before anything else could happen."""

    transport = "pipe"
    prompt_at_start = True
    status = Status.STABLE
    reachable = True
    instance = "run"

    def __init__(self, observer: DriverObserver) -> None:
        self.observer = observer

    async def run(self) -> None:
        self.observer.resume(self.instance)
        self.observer.ended(0)
        self.observer.status_changed()
        await asyncio.Event().wait()

    def open_turn(self, typed: str) -> int:
        return 0

    async def send(self, content: str, kept: asyncio.Future[None], *, control: bool = False) -> bool:
        raise UnreachableError("the command has ended")

    async def press(self, keys: str) -> None:
        raise UnreachableError("the command has ended")

    def shows(self, content: str) -> bool:
        return True

    def screen(self) -> str:
        return ""


async def test_the_result_of_a_command_names_its_prompt_though_the_disk_has_not_kept_that_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = asyncio.Event()

    async def slow_disk(*_: object) -> None:
        await disk.wait()

    told: list[Report] = []
    heard = asyncio.Event()

    async def tell(report: Report) -> None:
        told.append(report)
        heard.set()

    async def tell_outputs(values: Mapping[str, str]) -> None: ...

    monkeypatch.setattr("taskyard.sidecar.conversation.intents.Intents._sync", slow_disk)
    journal, archive = Journal(tmp_path / "journal.jsonl"), Archive(tmp_path / "conversation.jsonl")
    journal.load()
    conversation = archive.load()
    reporter, outputs = Reporter(tell, "state"), Reporter(tell_outputs, "outputs")
    gateway: Any = None  # nothing is uploaded here
    session = Session(
        driver=EndedCommand,
        prompt=PROMPT,
        prompt_sha256=SHA256,
        journal=journal,
        archive=archive,
        conversation=conversation,
        reported=ReportedState(
            build=1,
            task="task-1",
            conversation=conversation,
            store=archive.status,
            reporter=reporter,
            outputs_reporter=outputs,
        ),
        snapshots=SnapshotUploader(gateway, lambda: pytest.fail("no snapshot is taken")),
        transcript=io.StringIO(),
        clock=lambda: datetime.datetime.now(datetime.UTC),
    )
    parts = [asyncio.create_task(session.run()), asyncio.create_task(reporter.run())]
    try:
        async with asyncio.timeout(10):
            await heard.wait()
        assert {report.prompt_sha256 for report in told} == {SHA256}
        assert told[0].state is State.COMPLETE
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)


class Asking(EndedCommand):
    """A program that is set by the test: it loses the agent, refuses the prompt, or asks."""

    prompt_at_start = False

    def __init__(self, observer: DriverObserver) -> None:
        super().__init__(observer)
        self.sent: list[str] = []
        self.answered: list[str] = []
        self.lost = self.refusing = False
        self.goes_on = asyncio.Event()

    async def run(self) -> None:
        self.observer.resume(self.instance)
        self.observer.status_changed()
        await asyncio.Event().wait()

    def refuses(self, content: str, *, control: bool = False) -> str:
        return "it is too long" if self.refusing and content == PROMPT else ""

    async def prepare(self) -> str:
        if self.lost:
            self.lost = False
            raise UnreachableError("the agent is gone")
        return ""

    async def send(self, content: str, kept: asyncio.Future[None], *, control: bool = False) -> bool:
        self.sent.append(content)
        return True

    def refuses_answer(self, question_id: str, content: str) -> str:
        return ""

    async def answer(self, question_id: str, content: str) -> bool:
        self.answered.append(content)
        await self.goes_on.wait()
        return True


@asynccontextmanager
async def session_with(folder: Path, **settings: bool) -> AsyncIterator[tuple[Session, Asking, list[Report]]]:
    told: list[Report] = []

    async def tell(report: Report) -> None:
        told.append(report)

    async def tell_outputs(values: Mapping[str, str]) -> None: ...

    def driver(observer: DriverObserver) -> Asking:
        made = Asking(observer)
        vars(made).update(settings)
        return made

    journal, archive = Journal(folder / "journal.jsonl"), Archive(folder / "conversation.jsonl")
    journal.load()
    conversation = archive.load()
    reporter = Reporter(tell, "state")
    gateway: Any = None  # nothing is uploaded here
    session = Session(
        driver=driver,
        prompt=PROMPT,
        prompt_sha256=SHA256,
        journal=journal,
        archive=archive,
        conversation=conversation,
        reported=ReportedState(
            build=1,
            task="task-1",
            conversation=conversation,
            store=archive.status,
            reporter=reporter,
            outputs_reporter=Reporter(tell_outputs, "outputs"),
        ),
        snapshots=SnapshotUploader(gateway, lambda: pytest.fail("no snapshot is taken")),
        transcript=io.StringIO(),
        clock=lambda: datetime.datetime.now(datetime.UTC),
    )
    assert isinstance(session.driver, Asking)
    parts = [asyncio.create_task(session.run()), asyncio.create_task(reporter.run())]
    try:
        async with asyncio.timeout(10):
            yield session, session.driver, told
        assert not any(part.done() for part in parts)
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)


async def until(look: Callable[[], object]) -> None:
    while not look():  # noqa: ASYNC110 - anything may be looked at
        await asyncio.sleep(0.01)


async def test_agent_that_is_gone_before_anything_was_typed_gets_the_message_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskyard.sidecar.prompt_delivery.RETRY", 0.01)
    async with session_with(tmp_path, lost=True) as (session, driver, _):
        await until(lambda: session.status is Status.STABLE)
        assert driver.sent == [PROMPT]
        driver.lost = True
        with pytest.raises(UnreachableError):
            await session.deliver("more", "key")
        assert session.status is Status.STABLE
        assert not (await session.deliver("more", "key")).in_doubt
        assert driver.sent == [PROMPT, "more"]


async def test_refused_prompt_is_told_until_another_message_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with session_with(tmp_path, refusing=True) as (session, driver, told):
        await until(lambda: told and told[-1].state is State.FAILED)
        with monkeypatch.context() as disk:
            disk.setattr("taskyard.sidecar.conversation.journal.Journal.intend", full_disk)
            with pytest.raises(JournalUnavailableError):
                await session.deliver("more", "key")
        session.status_changed()
        await asyncio.sleep(0.1)
        assert told[-1].state is State.FAILED
        await session.deliver("more", "key")
        await until(lambda: told[-1].state is not State.FAILED)
        assert driver.sent == ["more"]


def full_disk(*_: object) -> None:
    raise OSError("no space left on device")


async def test_a_question_takes_one_answer_at_a_time(tmp_path: Path) -> None:
    async with session_with(tmp_path) as (session, driver, _):
        await until(lambda: session.status is Status.STABLE)
        first = asyncio.create_task(session.settle("question", "yes", "one"))
        await until(lambda: driver.answered)
        for key in ("two", None):
            with pytest.raises(RefusedError, match="being answered"):
                await session.settle("question", "no", key)
        again = asyncio.create_task(session.settle("question", "yes", "one"))
        driver.goes_on.set()
        assert not (await first).in_doubt and not (await again).in_doubt
        assert driver.answered == ["yes"]


async def test_an_answer_that_comes_as_another_object_of_its_name_is_given_once(tmp_path: Path) -> None:
    """K3: while it is being given, too."""
    async with session_with(tmp_path) as (session, driver, _):
        await until(lambda: session.status is Status.STABLE)
        first = asyncio.create_task(session.settle("question", "yes", "one", name="reply"))
        await until(lambda: driver.answered)
        again = asyncio.create_task(session.settle("question", "yes", "two", name="reply"))
        await asyncio.sleep(0.05)
        driver.goes_on.set()
        assert not (await first).repeated
        assert (await again).repeated and not (await again).in_doubt
        assert (await session.settle("question", "yes", "three", name="reply")).repeated
        assert driver.answered == ["yes"]


async def test_a_message_that_comes_again_is_known_while_the_agent_works(tmp_path: Path) -> None:
    """K7: the operator need not wait for the agent to learn that there is nothing to do."""
    async with session_with(tmp_path) as (session, driver, _):
        await until(lambda: session.status is Status.STABLE)
        await session.deliver("more", "one", name="hello")
        driver.status = Status.RUNNING
        assert (await session.deliver("more", "two", name="hello")).repeated
        with pytest.raises(NotReadyError):
            await session.deliver("more", "three", name="another")
        assert driver.sent == [PROMPT, "more"]


async def test_a_turn_that_ends_before_anybody_has_heard_of_it_has_ended(tmp_path: Path) -> None:
    async with session_with(tmp_path) as (session, _, _):
        await until(lambda: session.status is Status.STABLE)
        await asyncio.sleep(2 * TOLD_AFTER)
        stream = session.listen()
        while await stream.next(0.01):
            pass
        await session.deliver("more", "key")  # the agent waits again as soon as it has it
        session.status_changed()
        turn = Archive(tmp_path / "conversation.jsonl").load().turn
        assert turn is not None and turn.end is TurnEnd.DONE
        told = [event for _ in range(3) if (event := await stream.next(5 * TOLD_AFTER)) is not None]
        assert [event.name for event in told] == ["status_change", "message_update"]
        assert told[0].data()["status"] == "stable"

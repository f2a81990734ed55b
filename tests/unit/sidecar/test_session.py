"""The session with drivers whose every move is set: what no real program does at the right moment."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from taskyard.sidecar.conversation.archive import Archive
from taskyard.sidecar.conversation.journal import Journal
from taskyard.sidecar.conversation.reports import Report, State
from taskyard.sidecar.conversation.status import Status
from taskyard.sidecar.drivers.base import Driver, DriverObserver, UnreachableError
from taskyard.sidecar.gateway.reporter import Reporter, SnapshotUploader
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

    async def send(self, content: str, kept: asyncio.Future[None]) -> bool:
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

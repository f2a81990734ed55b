"""The sidecar's process: builds the parts, runs them, and takes a last snapshot before it ends."""

import asyncio
import contextlib
import datetime
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from taskyard.environment import SettingsError

# Before anything else loads them whole.
from taskyard.sidecar import libraries  # noqa: F401 # isort: split
from taskyard.sidecar.conversation import records, snapshot
from taskyard.sidecar.conversation.archive import Archive
from taskyard.sidecar.conversation.conversation import Conversation
from taskyard.sidecar.conversation.journal import Journal
from taskyard.sidecar.conversation.reports import Report
from taskyard.sidecar.drivers.factory import driver_for, load_driver
from taskyard.sidecar.gateway.client import Enrolment, Gateway, GatewayError
from taskyard.sidecar.gateway.reporter import Reporter, SnapshotUploader
from taskyard.sidecar.gateway.tls import CertificateError, ServerCertificate
from taskyard.sidecar.http import agent_reports, agentapi
from taskyard.sidecar.http import probes as probe_routes
from taskyard.sidecar.http.listener import Listener
from taskyard.sidecar.http.uploads import Uploads
from taskyard.sidecar.reported_state import ReportedState
from taskyard.sidecar.session import Session
from taskyard.sidecar.settings import Settings

logger = logging.getLogger("taskyard.sidecar")

MAX_CONNECTIONS, RESERVED = 128, 16
MAX_PROBES, PROBES_RESERVED = 16, 8
MAX_REPORTING = 16
LAST_TRY_EVERY = 0.3
MIN_RENEWAL_SECONDS = 5.0


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class State:
    """What an earlier sidecar of this Pod left on the disk or, with a claim, a sidecar of an earlier Pod."""

    journal: Journal
    archive: Archive
    conversation: Conversation

    @classmethod
    def load(cls, directory: Path) -> "State":
        """Raises OSError when the directory cannot be used."""
        records.open_directory(directory)
        journal = Journal(directory / "journal.jsonl")
        journal.load()
        archive = Archive(directory / "conversation.jsonl")
        return cls(journal, archive, archive.load())


@dataclass(frozen=True)
class Parts:
    """The parts that run once the sidecar has enrolled."""

    session: Session
    reporter: Reporter[Report]
    outputs_reporter: Reporter[Mapping[str, str]]
    snapshots: SnapshotUploader
    api: Listener
    reports: Listener

    def start(self) -> list[asyncio.Task[None]]:
        """Starts each part in its own asyncio task."""
        running = {
            "reports' port": self.reports.run_until_stopped(),
            "outputs": self.outputs_reporter.run(),
            "api": self.api.run_until_stopped(),
            "reports": self.reporter.run(),
            "snapshots": self.snapshots.run(),
            "session": self.session.run(),
        }
        return [asyncio.create_task(part, name=name) for name, part in running.items()]

    async def flush(self) -> None:
        """Delivers the newest state, outputs and snapshot, within the driver's `final_flush_timeout`."""
        self.session.close()
        try:
            async with asyncio.timeout(self.session.driver.final_flush_timeout):
                await asyncio.gather(
                    _last_snapshot(self.snapshots), self.reporter.flush(), self.outputs_reporter.flush()
                )
        except Exception as error:
            logger.warning("last snapshot or state not delivered: %s", str(error) or "timed out")

    def stop(self) -> None:
        """Stops both listeners."""
        self.api.stop()
        self.reports.stop()


class Sidecar:
    """One process: enrols, then builds its parts and runs them until it is told to stop."""

    def __init__(self, configured: Settings, probes: socket.socket | None) -> None:
        self._settings = configured
        self._certificate = ServerCertificate()
        self._enrolment: Enrolment | None = None
        self._parts: Parts | None = None
        self._gateway = Gateway(configured, now, self._enrolled)
        self._probes = probe_routes.Probes(self.not_ready, configured.hook_key)
        self._health = Listener(
            probe_routes.application(self._probes),
            address=configured.listen,
            port=configured.health_port,
            connections=MAX_PROBES,
            reserved=PROBES_RESERVED,
            bound=probes,
        )

    def not_ready(self) -> str:
        if self._enrolment is None or self._parts is None:
            return "not enrolled yet"
        if not self._parts.api.listening:
            return f"port {self._settings.port} is not served yet"
        return "" if self._parts.session.driver.reachable else "the agent's terminal does not answer"

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT. Raises OSError when the state directory cannot be used."""
        state = State.load(self._settings.state_dir)
        logger.info(
            "%s: build %d, %d messages so far, state in %s%s",
            self._settings.task,
            self._settings.build_number,
            len(state.conversation.messages),
            self._settings.state_dir,
            "" if self._settings.durable else ", which is lost with the Pod",
        )
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        # Only the journal uses it, one write at a time, and what is loaded now.
        loop.set_default_executor(ThreadPoolExecutor(2, "disk"))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        background = [asyncio.create_task(self._health.run_until_stopped(), name="probes")]
        enrolling = asyncio.create_task(self._gateway.enrol(), name="enrolment")
        # While the gateway answers.
        loading = asyncio.create_task(asyncio.to_thread(load_driver, self._settings.protocol), name="driver")
        try:
            if not await _first(enrolling, stopped, background):
                return
            await loading
            self._parts = self._build(state, enrolling.result())
            self._probes.enrolled(self._parts.session, self._parts.snapshots)
            background += self._parts.start()
            background.append(asyncio.create_task(self._renew(), name="renewal"))
            await _first(None, stopped, background)
            await self._parts.flush()
        finally:
            self._health.stop()
            if self._parts is not None:
                self._parts.stop()
            for task in [enrolling, loading, *background]:
                task.cancel()
            await asyncio.gather(enrolling, loading, *background, return_exceptions=True)
            await self._gateway.close()

    def _build(self, state: State, enrolment: Enrolment) -> Parts:
        reporter = Reporter(self._gateway.report, "state")
        outputs_reporter = Reporter(self._gateway.store_outputs, "outputs")
        snapshots = SnapshotUploader(self._gateway, partial(snapshot.of, state.conversation))
        session = Session(
            driver=partial(driver_for, self._settings, enrolment.prompt),
            prompt=enrolment.prompt,
            prompt_sha256=enrolment.prompt_sha256,
            journal=state.journal,
            archive=state.archive,
            conversation=state.conversation,
            reported=ReportedState(
                build=self._settings.build_number,
                task=self._settings.task_uid,
                conversation=state.conversation,
                store=state.archive.status,
                reporter=reporter,
                outputs_reporter=outputs_reporter,
            ),
            snapshots=snapshots,
            transcript=sys.stdout,
            clock=now,
        )
        api = Listener(
            agentapi.application(session, snapshots, Uploads(self._settings.agent_socket), self._key),
            address=self._settings.listen,
            port=self._settings.port,
            connections=MAX_CONNECTIONS,
            reserved=RESERVED,
            tls=self._certificate.context,
        )
        reports = Listener(
            agent_reports.application(session, asyncio.get_running_loop().time),
            address="127.0.0.1",
            port=self._settings.report_port,
            connections=MAX_REPORTING,
        )
        return Parts(session, reporter, outputs_reporter, snapshots, api, reports)

    def _enrolled(self, enrolment: Enrolment) -> None:
        self._certificate.load(enrolment.certificate, enrolment.private_key)
        self._enrolment = enrolment

    def _key(self) -> str:
        assert self._enrolment is not None
        return self._enrolment.key

    async def _renew(self) -> None:
        """Renews the certificate at half of its lifetime; an enrolment in between restarts the wait."""
        while True:
            enrolment = self._enrolment
            assert enrolment is not None
            left = (enrolment.renew_at - now()).total_seconds()
            await asyncio.sleep(max(left, MIN_RENEWAL_SECONDS))
            if self._enrolment is enrolment:
                await self._gateway.enrol()


async def _last_snapshot(snapshots: SnapshotUploader) -> None:
    """Retries until the caller cancels it. Raises GatewayError for a permanent failure."""
    while True:
        try:
            await snapshots.take_now()
        except GatewayError as error:
            if error.permanent:
                raise
            await asyncio.sleep(LAST_TRY_EVERY)
        else:
            return


async def _first(
    task: asyncio.Task[Enrolment] | None, stopped: asyncio.Event, background: list[asyncio.Task[None]]
) -> bool:
    """Waits for the task or the stop signal. True when the task is done. Raises the error of a part in the background
    that failed.
    """
    stopping = asyncio.create_task(stopped.wait())
    awaited = {stopping, *background} | ({task} if task is not None else set())
    try:
        done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    for part in done:
        if part is not stopping and part is not task:
            part.result()
    return task is not None and task in done


def main(probes: socket.socket | None = None) -> None:
    """Runs the sidecar; `probes` is the listening socket of the kubelet's port, if it was taken already. Exit status 0
    after SIGTERM, 1 when it cannot run.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    for name in ("httpx", "httpcore", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        configured = Settings.from_environment(os.environ)
        asyncio.run(Sidecar(configured, probes).run())
    except (SettingsError, CertificateError) as error:
        sys.exit(f"taskyard-sidecar: {error}")
    except OSError as error:
        sys.exit(f"taskyard-sidecar: {error.filename or 'system'}: {error.strerror or error}")

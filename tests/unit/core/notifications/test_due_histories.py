"""What is promised arrives, whatever a Task does and however often the notifier is killed: random histories of builds
and states, with a kill between the sending of a notification and its record now and then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from taskyard.api.vocabulary import NotificationEvent, State
from taskyard.core.build_view import BuildView
from taskyard.core.decision import BUILDS_KEPT
from taskyard.core.notifications import record
from taskyard.core.notifications.due import RESULTS, SETTLES_AFTER, Notification, PassedOver, next_step
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from unit.core.builders import at, build_manifest, reservation
from unit.core.notifications.notified import EVENTS, notified_manifest, sink, state

Manifest = dict[str, Any]

STATES = [each.value for each in State]


@dataclass
class World:
    """A Task as the API server has it: the operator and the agent change it."""

    now: int = 0
    builds: list[Manifest] = field(default_factory=list)
    state: Manifest | None = None
    records: list[Manifest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._build("Start", "Initial")

    @property
    def newest(self) -> Manifest:
        return self.builds[-1]

    @property
    def is_running(self) -> bool:
        return bool(self.newest["spec"]["transition"] == "Start")

    @property
    def task(self) -> NotifiedTask:
        spec, status = self.newest["spec"], self.newest["status"]
        newest = reservation(spec["number"], spec["transition"], spec["reason"], status["phase"])
        phase = "Active" if self.is_running else "Paused" if status["phase"] == "Succeeded" else "Pausing"
        kept = {"notifications": self.records}
        return NotifiedTask.of(notified_manifest(newest, state=self.state, phase=phase, status=kept))

    @property
    def views(self) -> list[BuildView]:
        return [BuildView.of(build) for build in self.builds]

    def report(self, name: str) -> None:
        if self.is_running and (self.state is None or self.state["state"] != name):
            self.state = state(name, self.now, build=self.newest["spec"]["number"])

    def pause(self) -> None:
        if self.is_running:
            self._build("Stop", "ManualPause", phase="Running")

    def stopped(self, phase: str = "Succeeded") -> None:
        if not self.is_running and self.newest["status"]["phase"] == "Running":
            number, reason = self.newest["spec"]["number"], self.newest["spec"]["reason"]
            self.builds[-1] = build_manifest(number, "Stop", reason, phase, finished_at=at(self.now))

    def resume(self) -> None:
        if not self.is_running and self.newest["status"]["phase"] != "Running":
            self._build("Start", "Resume")
            self.state = None

    def crash(self) -> None:
        if self.is_running:
            self._build("Start", "Recover")
            self.state = None

    def _build(self, transition: str, reason: str, *, phase: str = "Succeeded") -> None:
        number = self.builds[-1]["spec"]["number"] + 1 if self.builds else 1
        self.builds.append(build_manifest(number, transition, reason, phase, created_at=at(self.now)))
        del self.builds[:-BUILDS_KEPT]


@dataclass
class Notifier:
    """One process: what it remembers is lost when it is killed."""

    world: World
    sink: SinkView
    seen: tuple[object, int] = (None, -1)

    def look(self) -> Notification | PassedOver | None:
        task = self.world.task
        shown = (task.state and (task.state.state, task.state.build),)
        if self.seen[0] != shown:
            self.seen = (shown, self.world.now)
        entry = record.of_sink(task.records, name=self.sink.name, uid=self.sink.uid)
        found = next_step(task, self.world.views, self.sink, entry, seen_at=at(self.seen[1]), now=at(self.world.now))
        return found if isinstance(found, Notification | PassedOver) else None

    def store(self, found: Notification | PassedOver) -> None:
        told = found.told
        if isinstance(found, Notification):
            told = told.taken(found.id, found.event, now=at(self.world.now))
        self.world.records = record.with_record(self.world.task.records, told, sinks={self.sink.name: self.sink.uid})


ACTIONS = st.one_of(
    st.tuples(st.just("report"), st.sampled_from(STATES)),
    st.tuples(st.sampled_from(["pause", "resume", "crash", "tell", "tell and be killed", "be killed"]), st.none()),
    st.tuples(st.just("stopped"), st.sampled_from(["Succeeded", "Succeeded", "Failed"])),
)
HISTORIES = st.lists(st.tuples(ACTIONS, st.integers(1, 6)), max_size=60)
WANTED = st.one_of(st.just(list(EVENTS)), st.lists(st.sampled_from(EVENTS), min_size=1, unique=True))


@settings(max_examples=300, deadline=None)
@given(history=HISTORIES, wanted=WANTED)
def test_what_is_promised_arrives_in_order_and_duplicates_bear_the_same_id(
    history: list[tuple[tuple[str, str | None], int]], wanted: list[str]
) -> None:
    world, received, kills, lost = World(), list[Notification](), 0, False
    notifier = Notifier(world, sink(events=wanted))
    for (action, with_), seconds in history:
        world.now += seconds
        match action:
            case "report":
                world.report(str(with_))
            case "stopped":
                world.stopped(str(with_))
            case "be killed":
                notifier = Notifier(world, notifier.sink)
            case "tell" | "tell and be killed":
                found = notifier.look()
                if isinstance(found, Notification):
                    received.append(found)
                if found is not None and action == "tell":
                    notifier.store(found)
                elif found is not None:
                    kills += isinstance(found, Notification)
                    lost = lost or (isinstance(found, Notification) and found.event.value in STATES)
                    notifier = Notifier(world, notifier.sink)
            case _:
                getattr(world, action)()
    world.stopped()
    notifier.look()
    world.now += round(SETTLES_AFTER.total_seconds())
    while (found := notifier.look()) is not None:
        if isinstance(found, Notification):
            received.append(found)
        notifier.store(found)

    once = list({each.id: each for each in received}.values())
    event(f"{min(len(once), 10)} notifications, {min(kills, 3)} kills")
    # Duplicates come of kills alone, and bear the same id.
    assert len(received) - len(once) <= kills
    assert len({(each.event, each.build, each.at) for each in received}) == len(once)
    # In order: builds by their numbers, and all by their times.
    assert [each.build for each in once] == sorted(each.build for each in once)
    assert [each.at for each in once] == sorted(each.at for each in once)
    # Nothing that was not asked for.
    assert {each.event for each in once} <= set(wanted)
    # Each pause and resume of a build that is still kept.
    told = {(each.event, each.build) for each in once}
    for build in world.views:
        if build.transition == "Stop" and build.phase == "Succeeded" and "Paused" in wanted:
            assert (NotificationEvent.PAUSED, build.number) in told
        if build.reason == "Resume" and "Resumed" in wanted:
            assert (NotificationEvent.RESUMED, build.number) in told
    # The newest state, unless it is the first Working, or that of a paused Task. What was sent and not recorded cannot
    # be told from what was never sent: a state that is on record and the newest again by then is not told again.
    newest = world.task.state
    states = [each.event.value for each in once if each.event.value in STATES]
    if newest is None or newest.state.value not in wanted or (newest.state is State.WORKING and not world.is_running):
        return
    on_record = record.of_sink(world.task.records, name=notifier.sink.name, uid=notifier.sink.uid).state
    is_again = lost and newest.state is (on_record or State.WORKING)
    assert is_again or states[-1:] == [newest.state.value] or (newest.state is State.WORKING and not states)
    # A result is told although the Task was never seen ready again.
    if newest.state in RESULTS:
        assert newest.state.value in states

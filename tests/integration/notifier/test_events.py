"""Each event of a Task reaches a webhook and a mailbox once, in order and with what it is about."""

from __future__ import annotations

import time

import pytest

from integration.notifier.namespacesinks import NamespaceSinks
from integration.notifier.notifierprocess import NotifierProcess
from integration.notifier.receivers import MailServer, Received, WebhookReceiver
from integration.notifier.toldtask import ToldTask, writing
from kube import Kube
from taskyard.core import times

pytestmark = pytest.mark.usefixtures("running")

QUESTION = 'The agent asks: Delete it? Possible answers: "yes", yes or no. Answer with a TaskInput that has this id in '
QUESTION += "spec.answers: q-1"
# Of four Tasks at once, since each state takes three seconds to settle.
TOLD = {
    "works": ["Complete"],
    "rests": ["Idle", "Working"],
    "asks": ["Paused", "Resumed", "InputRequired", "Failed"],
    "fails": ["Error"],
}


def settle(kube: Kube, namespace: str, receiver: WebhookReceiver) -> None:
    """Returns once the sink was told of a Task that has reported only now: what had to be told before is told by then,
    on a busy machine too."""
    canary = ToldTask(kube, namespace, "canary")
    canary.start()
    canary.report("Complete")
    receiver.wait_for("canary", "Complete")


def test_each_event_arrives_once_in_order_and_says_what_it_is_about(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, mail: MailServer
) -> None:
    sinks.add("hook", receiver.url, links="https://tasks.example.com/")
    sinks.add("mail", mail.url, type_="Apprise")
    tasks = {name: ToldTask(kube, namespace, name) for name in TOLD}
    works, rests, asks, fails = tasks.values()
    for task in tasks.values():
        task.start()
    works.report("Working", "Thinking")
    idle_at = rests.report("Idle", "What now?", "https://example.com/1")
    asks.stop("AutoPause")
    asks.start("Resume")
    asks.ask(QUESTION)
    fails.fail("ImagePullBackOff", "The image is not there")
    for name, number in (("rests", 1), ("asks", 3), ("fails", 1)):
        receiver.wait_for(name, *TOLD[name][:number])
    assert receiver.of("works") == [], "the first Working is silent"
    # Else what a slow mail server was not told yet would be overtaken.
    mail.wait(5)
    works.report("Complete", "All is done")
    rests.report("Working", "Writing")
    asks.ask(None)
    asks.report("Failed", "No more tokens")
    for name, events in TOLD.items():
        receiver.wait_for(name, *events)

    assert len(receiver.attempts) == 8 == len({one.name for one in receiver.taken}), "each came once"
    event = {one.name: one for one in receiver.taken}
    check_envelopes(receiver.taken, tasks)
    assert event["Idle"].event["data"]["state"] == {
        "state": "Idle",
        "message": "What now?",
        "uri": "https://example.com/1",
    }
    assert times.parse(event["Idle"].event["time"]) == times.parse(idle_at)
    assert event["Working"].event["data"]["state"]["message"] == "Writing"
    assert event["Complete"].event["data"]["state"]["message"] == "All is done"
    assert event["Failed"].event["data"]["state"]["message"] == "No more tokens"
    assert event["Paused"].event["data"]["pauseReason"] == "idle timeout"
    assert event["InputRequired"].event["data"]["question"] == {"id": "q-1", "message": QUESTION}
    error = {"reason": "ImagePullBackOff", "message": "The image is not there"}
    assert event["Error"].event["data"]["error"] == error
    builds = {one.name: one.event["data"]["build"] for one in receiver.taken if one.task == "asks"}
    assert builds == {"Paused": 2, "Resumed": 3, "InputRequired": 3, "Failed": 3}
    assert {one.event["data"]["build"] for one in receiver.taken if one.task != "asks"} == {1}

    for name, events in TOLD.items():
        tasks[name].wait_sent(events[-1])
        tasks[name].wait_sent(events[-1], "mail")
    told = asks.told()
    assert (told["build"], told["state"], told["question"]) == (3, "Failed", "q-1")
    assert told["sent"] | {"time": ""} == {"id": event["Failed"].id, "event": "Failed", "time": ""}
    assert "failing" not in told and "givenUp" not in told
    assert times.parse(fails.told()["error"]) == times.parse(event["Error"].event["time"])

    mails = mail.wait(8)
    for name in TOLD:
        titles = [one.event["data"]["text"]["title"] for one in receiver.taken if one.task == name]
        assert [subject for subject in mail.subjects if subject.startswith(f"{name}: ")] == titles
    (asked,) = (one for one in mails if "the agent asks" in str(one["Subject"]))
    body = asked.get_body(("plain",))
    assert body is not None and "spec.answers: q-1" in " ".join(body.get_content().split())


def check_envelopes(received: list[Received], tasks: dict[str, ToldTask]) -> None:
    """What is the same in each event of a Task."""
    for one in received:
        task = tasks[one.task]
        assert one.event["specversion"] == "1.0"
        assert one.event["source"] == f"/apis/taskyard.dev/namespaces/{task.namespace}/tasks/{task.name}"
        assert one.event["subject"] == f"{task.namespace}/{task.name}"
        assert one.event["type"] == f"dev.taskyard.task.{one.name.lower()}"
        named = {"namespace": task.namespace, "name": task.name, "uid": task.uid}
        assert one.event["data"]["task"].items() >= named.items()
        assert one.event["data"]["link"] == f"https://tasks.example.com/tasks/{task.namespace}/{task.name}"
        assert task.uid in one.id


def test_nothing_is_written_for_tasks_at_rest_or_of_a_namespace_without_a_sink(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    alone = ToldTask(kube, kube.create_namespace())
    alone.start()
    alone.report("Idle")
    never = alone.version
    sinks.add("hook", receiver.url, events=["Idle", "Paused"])
    tasks = [ToldTask(kube, namespace, f"t{number}") for number in range(5)]
    for task in tasks:
        task.start()
        task.report("Idle")
    for task in tasks:
        receiver.wait_for(task.name, "Idle")
        task.wait_sent("Idle")
    sinks.wait_ready("Delivered")
    rest = [task.version for task in tasks]
    sink = sinks.get()["metadata"]["resourceVersion"]
    # Longer than anything takes to settle.
    time.sleep(4)
    assert [task.version for task in tasks] == rest
    assert sinks.get()["metadata"]["resourceVersion"] == sink
    assert alone.version == never
    alone.delete()


def test_a_burst_of_states_is_told_by_its_last_one(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    sinks.add("hook", receiver.url)
    task = ToldTask(kube, namespace)
    task.start()
    for _ in range(8):
        task.report("Working")
        time.sleep(0.1)
        task.report("Idle", "for now")
        time.sleep(0.1)
    task.report("Complete", "at last")
    settle(kube, namespace, receiver)
    assert [one.name for one in receiver.attempts if one.task == "hello"] == ["Complete"]


def test_what_was_before_the_sink_is_not_told(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    task = ToldTask(kube, namespace)
    task.start()
    task.report("Idle", "before")
    task.stop()
    task.start("Resume")
    task.report("Complete", "before")
    # Times of builds have whole seconds.
    time.sleep(1.1)
    sinks.add("hook", receiver.url)
    settle(kube, namespace, receiver)
    assert receiver.of("hello") == []
    task.stop()
    receiver.wait_for("hello", "Paused")


def test_a_sink_of_the_same_name_begins_anew(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    first = sinks.add("hook", receiver.url)
    task = ToldTask(kube, namespace)
    task.start()
    task.report("Idle", "for the first")
    receiver.wait_for("hello", "Idle")
    sinks.delete("hook")
    time.sleep(1.1)
    second = sinks.create()
    sinks.wait_ready("Configured")
    # A pause is told at once, after what was to be told when the sink came.
    other = ToldTask(kube, namespace, "other")
    other.start()
    other.stop()
    receiver.wait_for("other", "Paused")
    assert len(receiver.attempts) == 2, "the second is told nothing of what was before it"
    task.report("Complete", "for the second")
    receiver.wait_for("hello", "Idle", "Complete")
    task.wait_sent("Complete")
    assert first["metadata"]["uid"] != second["metadata"]["uid"] == task.told()["sinkUID"]


def test_only_events_and_tasks_that_the_sink_selects_are_told(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    selector = {"matchLabels": {"team": "a"}, "matchExpressions": [{"key": "quiet", "operator": "DoesNotExist"}]}
    sinks.add("hook", receiver.url, events=["Complete"], selector=selector)
    # Ours is the last: what had to be told of the others is told by then.
    for name, labels in (("theirs", {"team": "b"}), ("quiet", {"team": "a", "quiet": ""}), ("ours", {"team": "a"})):
        task = ToldTask(kube, namespace, name, **labels)
        task.start()
        task.report("Idle")
        task.report("Complete")
    receiver.wait_for("ours", "Complete")
    assert {one.task for one in receiver.attempts} == {"ours"}


def test_what_was_before_a_sink_was_changed_to_select_it_is_not_told(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    sinks.add("hook", receiver.url, events=["Complete"], selector={"matchLabels": {"team": "a"}})
    task, other = ToldTask(kube, namespace, team="a"), ToldTask(kube, namespace, "other", team="b")
    for each in (task, other):
        each.start()
        each.stop()
    # Of the same second nothing is left out.
    time.sleep(1.5)
    sinks.patch("hook", {"spec": {"events": ["Complete", "Paused", "Resumed"], "selector": None}})
    sinks.wait("hook", lambda found: len(found["status"]["selections"]) == 2)
    for each in (task, other):
        each.start("Resume")
    for each in (task, other):
        receiver.wait_for(each.name, "Resumed")
    settle(kube, namespace, receiver)
    assert len(receiver.attempts) == 3


def test_two_sinks_keep_their_entries_while_others_write_the_status(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    """What operator and gateway write at the same time is kept too."""
    with WebhookReceiver() as other:
        sinks.add("hook", receiver.url, events=["Paused", "Resumed"])
        sinks.add("other", other.url, events=["Paused", "Resumed"])
        task = ToldTask(kube, namespace)
        task.start()
        with writing(task) as written:
            for _ in range(8):
                task.stop()
                task.start("Resume")
            expected = ["Paused", "Resumed"] * 8
            for each in (receiver, other):
                each.wait_for("hello", *expected)
        deadline = time.monotonic() + 10
        while {task.told(name).get("build") for name in ("hook", "other")} != {17}:
            assert time.monotonic() < deadline, task.status["notifications"]
            time.sleep(0.05)
        assert task.status["inputs"]["delivered"] == written.count > 20
        assert len(receiver.attempts) == len(other.attempts) == len(expected), "none was sent twice"


def test_a_turn_of_the_pace_is_waited_for_and_the_newest_is_told(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, running: NotifierProcess
) -> None:
    """One in five seconds: it takes three until a state has settled, so without a pace the last would come sooner."""
    sinks.add("hook", receiver.url, maxPerMinute=12, events=["Idle", "Complete", "Failed"])
    tasks = [ToldTask(kube, namespace, f"t{number}") for number in range(11)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.report("Idle")
    receiver.wait("the burst", lambda: len(receiver.taken) == 10)
    (waiting,) = (task for task in tasks if not receiver.of(task.name))
    waiting.report("Complete")
    receiver.wait_for(waiting.name, "Complete")
    assert len(receiver.attempts) == 11
    first, last = receiver.taken[0], receiver.taken[-1]
    assert last.at - first.at > 4.5, [one.at for one in receiver.taken]

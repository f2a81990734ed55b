"""Each event of a Task reaches a webhook and a mailbox once, in order and with what it is about."""

from __future__ import annotations

import itertools
import time

import pytest

from integration.notifier.namespacesinks import NamespaceSinks
from integration.notifier.notifierprocess import NotifierProcess
from integration.notifier.receivers import MailServer, Received, WebhookReceiver
from integration.notifier.toldtask import ToldTask, writing
from kube import Kube
from taskyard.core import times

pytestmark = pytest.mark.usefixtures("running")

ALL = ("Idle", "Working", "Complete", "Paused", "Resumed", "InputRequired", "Failed", "Error")
QUESTION = 'The agent asks: Delete it? Possible answers: "yes", yes or no. Answer with a TaskInput that has this id in '


def settle() -> None:
    """What has to be told has been told by then: a state that lasts for three seconds, and what it takes to send it."""
    time.sleep(4.5)


def test_each_event_arrives_once_in_order_and_says_what_it_is_about(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, mail: MailServer
) -> None:
    sinks.add("hook", receiver.url, links="https://tasks.example.com/")
    sinks.add("mail", mail.url, type_="Apprise")
    task = ToldTask(kube, namespace)
    task.start()
    task.report("Working", "Thinking")
    settle()
    assert receiver.attempts == [], "the first Working is silent"
    idle_at = task.report("Idle", "What now?", "https://example.com/1")
    receiver.wait_for("hello", *ALL[:1])
    task.report("Working", "Writing")
    receiver.wait_for("hello", *ALL[:2])
    task.report("Complete", "All is done")
    receiver.wait_for("hello", *ALL[:3])
    task.stop("AutoPause")
    receiver.wait_for("hello", *ALL[:4])
    task.start("Resume")
    receiver.wait_for("hello", *ALL[:5])
    question = f"{QUESTION}spec.answers: q-1"
    task.ask(question)
    receiver.wait_for("hello", *ALL[:6])
    task.ask(None)
    task.report("Failed", "No more tokens")
    receiver.wait_for("hello", *ALL[:7])
    task.fail("ImagePullBackOff", "The image is not there")
    receiver.wait_for("hello", *ALL)

    assert len(receiver.attempts) == len(ALL), "each came once"
    event = {one.name: one for one in receiver.taken}
    check_envelopes(receiver.taken, task)
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
    assert event["InputRequired"].event["data"]["question"] == {"id": "q-1", "message": question}
    error = {"reason": "ImagePullBackOff", "message": "The image is not there"}
    assert event["Error"].event["data"]["error"] == error
    builds = {name: one.event["data"]["build"] for name, one in event.items()}
    assert builds == {**dict.fromkeys(ALL[:3], 1), "Paused": 2, **dict.fromkeys(ALL[4:], 3)}

    task.wait_sent("Error")
    told = task.told()
    assert (told["build"], told["state"], told["question"]) == (3, "Failed", "q-1")
    assert told["sent"] | {"time": ""} == {"id": event["Error"].id, "event": "Error", "time": ""}
    assert "failing" not in told and "givenUp" not in told

    mails = mail.wait(len(ALL))
    assert [str(one["Subject"]) for one in mails] == [
        one.event["data"]["text"]["title"].replace("\n", " ") for one in receiver.taken
    ]
    body = mails[ALL.index("InputRequired")].get_body(("plain",))
    assert body is not None and "spec.answers: q-1" in " ".join(body.get_content().split())
    task.wait_sent("Error", "mail")


def check_envelopes(received: list[Received], task: ToldTask) -> None:
    """What is the same in each event of a Task."""
    for one in received:
        assert one.event["specversion"] == "1.0"
        assert one.event["source"] == f"/apis/taskyard.dev/namespaces/{task.namespace}/tasks/hello"
        assert one.event["subject"] == f"{task.namespace}/hello"
        assert one.event["type"] == f"dev.taskyard.task.{one.name.lower()}"
        named = {"namespace": task.namespace, "name": "hello", "uid": task.uid}
        assert one.event["data"]["task"].items() >= named.items()
        assert one.event["data"]["link"] == f"https://tasks.example.com/tasks/{task.namespace}/hello"
        assert task.uid in one.id


def test_nothing_is_written_for_tasks_at_rest(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    sinks.add("hook", receiver.url, events=["Idle", "Paused"])
    tasks = [ToldTask(kube, namespace, f"t{number}") for number in range(5)]
    for task in tasks:
        task.start()
        task.report("Idle")
    for task in tasks:
        receiver.wait_for(task.name, "Idle")
    settle()
    rest = [task.version for task in tasks]
    sink = sinks.get()["metadata"]["resourceVersion"]
    time.sleep(5)
    assert [task.version for task in tasks] == rest
    assert sinks.get()["metadata"]["resourceVersion"] == sink


def test_tasks_of_a_namespace_without_a_sink_are_not_written(kube: Kube, namespace: str) -> None:
    task = ToldTask(kube, namespace)
    task.start()
    task.report("Idle")
    before = task.version
    settle()
    assert task.version == before
    task.delete()


def test_a_burst_of_states_is_told_by_its_last_one(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    sinks.add("hook", receiver.url)
    task = ToldTask(kube, namespace)
    task.start()
    for _ in range(8):
        task.report("Working")
        time.sleep(0.2)
        task.report("Idle", "for now")
        time.sleep(0.2)
    task.report("Complete", "at last")
    receiver.wait_for("hello", "Complete")
    settle()
    assert len(receiver.attempts) == 1


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
    settle()
    assert receiver.attempts == []
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
    settle()
    assert receiver.of("hello") == ["Idle"], "the second is told nothing of what was before it"
    task.report("Complete", "for the second")
    receiver.wait_for("hello", "Idle", "Complete")
    assert first["metadata"]["uid"] != second["metadata"]["uid"] == task.told()["sinkUID"]


def test_only_events_and_tasks_that_the_sink_selects_are_told(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    selector = {"matchLabels": {"team": "a"}, "matchExpressions": [{"key": "quiet", "operator": "DoesNotExist"}]}
    sinks.add("hook", receiver.url, events=["Complete"], selector=selector)
    ours, theirs, quiet = (
        ToldTask(kube, namespace, name, **labels)
        for name, labels in (("ours", {"team": "a"}), ("theirs", {"team": "b"}), ("quiet", {"team": "a", "quiet": ""}))
    )
    for task in (ours, theirs, quiet):
        task.start()
        task.report("Idle")
        task.report("Complete")
    receiver.wait_for("ours", "Complete")
    settle()
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
    settle()
    assert len(receiver.attempts) == 2


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
    """One in six seconds: the pause that came while others waited is told in its turn, the states that were overtaken
    meanwhile are not."""
    sinks.add("hook", receiver.url, maxPerMinute=10, events=["Idle", "Complete", "Failed"])
    tasks = [ToldTask(kube, namespace, f"t{number}") for number in range(12)]
    for task in tasks:
        task.start()
        task.report("Idle")
    receiver.wait("the burst", lambda: len(receiver.taken) == 10)
    waiting = [task for task in tasks if not receiver.of(task.name)]
    assert len(waiting) == 2
    for task in waiting:
        task.report("Complete")
    receiver.wait("the rest", lambda: all(receiver.of(task.name) for task in waiting), seconds=30)
    settle()
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(receiver.taken[9:])]
    assert min(gaps) > 4, gaps
    assert receiver.of(waiting[-1].name) == ["Complete"]

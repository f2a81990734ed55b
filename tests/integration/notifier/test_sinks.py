"""The condition Ready of a sink: what it says, and how it heals. Test messages."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from integration.chart.installation import Cluster
from integration.notifier.namespacesinks import NamespaceSinks, told_of_test
from integration.notifier.notifierprocess import NotifierProcess
from integration.notifier.receivers import SIGNING_SECRET, WebhookReceiver
from integration.notifier.toldtask import ToldTask
from kube import Kube, condition
from localcluster import programs

Object = dict[str, Any]

OTHER_SECRET = "whsec_" + "b3RoZXIgc2VjcmV0IG9mIHRoZSBzYW1lIGxlbmd0aC4u"


@pytest.mark.parametrize("secret", ["hook", "team.alerts-2"])
@pytest.mark.usefixtures("running")
def test_the_commands_that_the_condition_names_make_the_sink_ready(
    cluster: Cluster, sinks: NamespaceSinks, receiver: WebhookReceiver, secret: str
) -> None:
    sinks.secret(secret, **{"url": receiver.url, "signing-secret": SIGNING_SECRET})
    sinks.create(secret=secret)
    message = sinks.wait_ready("SecretForbidden")
    commands = re.findall(r"kubectl .+?(?= && |$)", message)
    assert len(commands) == 2 and "create role " in commands[0] and "create rolebinding " in commands[1], message
    for command in commands:
        program, _, arguments = command.partition(" ")
        assert program == "kubectl"
        done = subprocess.run(
            f"{programs.kubectl()} --kubeconfig {cluster.kubeconfig} {arguments}",
            shell=True,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    sinks.wait_ready("Configured", seconds=65)
    assert receiver.attempts == []


@pytest.mark.usefixtures("running")
def test_a_missing_secret_and_a_missing_key_are_told_and_heal(sinks: NamespaceSinks, receiver: WebhookReceiver) -> None:
    sinks.grant("hook", "other")
    sinks.create()
    sinks.create("other", secretRef={"name": "other", "key": "address"})
    assert "kubectl -n" in sinks.wait_ready("SecretMissing")
    sinks.secret("hook", wrong=receiver.url)
    assert "no key url" in sinks.wait_ready("KeyMissing", seconds=65)
    sinks.change_secret("hook", url=receiver.url)
    sinks.wait_ready("Configured", seconds=65)
    sinks.secret("other", address=receiver.url)
    sinks.wait_ready("Configured", "other", seconds=65)


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("type_", "url", "reason", "words"),
    [
        pytest.param("Webhook", "ftp://example.com/x", "AddressInvalid", "https://", id="another scheme"),
        pytest.param("Webhook", "nonsense", "AddressInvalid", "https://", id="no URL"),
        pytest.param("Apprise", "nonsense", "AddressInvalid", "Apprise", id="no URL of Apprise's"),
        pytest.param("Webhook", "https://10.0.0.1/x", "AddressRefused", "private", id="a private address"),
        pytest.param("Webhook", "https://169.254.169.254/x", "AddressRefused", "link-local", id="metadata"),
        pytest.param("Webhook", "https://[::1]/x", "AddressRefused", "loopback", id="loopback in IPv6"),
        pytest.param("Apprise", "json://127.0.0.1/x", "AddressRefused", "json://", id="a scheme that is not allowed"),
        pytest.param(
            "Apprise", "mailto://10.0.0.1?from=a@example.com&to=b@example.com", "AddressRefused", "10.0.0.1", id="mail"
        ),
    ],
)
def test_an_address_that_cannot_be_used_is_told(
    sinks: NamespaceSinks, type_: str, url: str, reason: str, words: str
) -> None:
    sinks.grant("hook")
    sinks.secret("hook", url=url)
    sinks.create(type_=type_)
    assert words in sinks.wait_ready(reason)


@pytest.mark.usefixtures("running")
def test_a_wrong_signing_secret_is_told_by_the_answer_and_heals_with_a_test_message(
    sinks: NamespaceSinks,
) -> None:
    with WebhookReceiver(secret=OTHER_SECRET) as receiver:
        sinks.add("hook", receiver.url)
        sinks.ask_for_test("1")
        message = sinks.wait_ready("DeliveryFailed")
        assert "401" in message and "signing secret" in message
        assert sinks.get()["status"]["test"]["message"] == message
        assert receiver.url not in message and SIGNING_SECRET not in message
        sinks.change_secret("hook", **{"signing-secret": OTHER_SECRET})
        sinks.ask_for_test("2")
        sinks.wait_ready("Delivered")
        assert [one.name for one in receiver.taken] == ["Test"]


@pytest.mark.usefixtures("running")
def test_a_signing_secret_that_is_none_is_told(sinks: NamespaceSinks, receiver: WebhookReceiver) -> None:
    sinks.grant("hook")
    sinks.secret("hook", **{"url": receiver.url, "signing-secret": "whsec_!"})
    sinks.create(test="1")
    assert "openssl rand" in sinks.wait_ready("KeyInvalid")
    sinks.change_secret("hook", **{"signing-secret": SIGNING_SECRET})
    sinks.ask_for_test("2")
    sinks.wait_ready("Delivered")


@pytest.mark.usefixtures("running")
def test_the_ninth_sink_waits_until_one_is_deleted(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    sinks.secret("hook", **{"url": receiver.url, "signing-secret": SIGNING_SECRET})
    sinks.grant("hook")
    for number in range(8):
        sinks.create(f"s{number}", secret="hook")
    for number in range(8):
        sinks.wait_ready("Configured", f"s{number}")
    # Of the same second the name decides.
    sinks.create("t9", secret="hook")
    assert "eight oldest" in sinks.wait_ready("TooManySinks", "t9")
    task = ToldTask(kube, namespace)
    task.start()
    task.report("Idle")
    receiver.wait("eight are told", lambda: len(receiver.taken) == 8)
    sinks.delete("s3")
    sinks.wait_ready("Delivered", "t9")
    assert len(receiver.taken) == 9, "the ninth is told what is still true"
    assert {entry["sink"] for entry in task.status["notifications"]} == {
        *(f"s{number}" for number in range(8) if number != 3),
        "t9",
    }


@pytest.mark.usefixtures("running")
def test_a_sink_that_cannot_be_read_yet_is_looked_at_again_after_a_test_that_failed(
    sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    sinks.secret("hook", **{"url": receiver.url, "signing-secret": SIGNING_SECRET})
    sinks.create(test="1")
    sinks.wait("hook", told_of_test("1"))
    assert condition(sinks.get(), "Ready")["reason"] == "SecretForbidden"
    sinks.grant("hook")
    sinks.wait_ready("Configured", seconds=65)


def test_a_test_that_was_asked_for_before_the_name_had_another_sink_is_sent_again(
    sinks: NamespaceSinks, receiver: WebhookReceiver, running: NotifierProcess
) -> None:
    sinks.add("hook", receiver.url, test="1")
    sinks.wait("hook", told_of_test("1"))
    sinks.delete("hook")
    sinks.create(test="1")
    sinks.wait("hook", told_of_test("1"))
    assert [one.name for one in receiver.taken] == ["Test", "Test"]
    assert len({one.id for one in receiver.taken}) == 2


def test_no_address_and_no_secret_is_in_the_log(
    sinks: NamespaceSinks, receiver: WebhookReceiver, running: NotifierProcess
) -> None:
    sinks.add("hook", receiver.url, test="1")
    sinks.wait("hook", told_of_test("1"))
    receiver.answer = 500
    sinks.ask_for_test("2")
    sinks.wait("hook", told_of_test("2"))
    assert SIGNING_SECRET not in running.log and "/hook\n" not in running.log
    assert receiver.url not in running.log and receiver.url not in str(sinks.get()["status"])

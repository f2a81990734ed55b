"""What a notifier that is started anew does not do again."""

from __future__ import annotations

import time

from integration.notifier.conftest import Enter
from integration.notifier.namespacesinks import NamespaceSinks, told_of_test
from integration.notifier.receivers import MailServer, WebhookReceiver
from kube import condition


def test_a_test_message_is_sent_for_each_new_value_and_not_again_after_a_restart(
    sinks: NamespaceSinks, receiver: WebhookReceiver, mail: MailServer, enter: Enter
) -> None:
    notifier = enter()
    notifier.begin()
    sinks.add("hook", receiver.url, test="first")
    sinks.add("mail", mail.url, type_="Apprise", test="first")
    sinks.wait("hook", told_of_test("first"))
    sinks.wait("mail", told_of_test("first"))
    assert [one.name for one in receiver.taken] == ["Test"]
    assert receiver.taken[0].event["data"]["sink"]["name"] == "hook"
    assert len(mail.wait(1)) == 1
    sinks.ask_for_test("first")
    sinks.patch("hook", {"metadata": {"annotations": {"other": "annotation"}}})
    time.sleep(1)
    notifier.kill()
    notifier.begin()
    time.sleep(1)
    assert len(receiver.attempts) == 1 == len(mail.mails)
    notifier.kill()
    sinks.ask_for_test("second")
    notifier.begin()
    sinks.wait("hook", told_of_test("second"))
    assert len(receiver.attempts) == 2
    assert len({one.id for one in receiver.attempts}) == 2
    assert condition(sinks.get(), "Ready")["reason"] == "Delivered"

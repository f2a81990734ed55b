"""From a sink's Secret to its receiver: what the Secret lacks is told with the command that mends it."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from standardwebhooks.webhooks import Webhook

from taskyard.apiclient import ApiError, MissingError
from taskyard.core.notifications import payload, texts
from taskyard.core.notifications.sink_view import SinkView
from taskyard.notifier.apprise_service import AppriseServices
from taskyard.notifier.cluster import Cluster, NotLeadingError
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.senders import Address, Message, Senders
from taskyard.notifier.webhook import Webhooks
from unit.core.notifications.notified import sink
from unit.notifier.receivers import dns, receiver

ACCOUNT = "taskyard:taskyard-notifier"
KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK, APPRISE = sink(type="Webhook"), sink(type="Apprise")
MESSAGE = Message(
    payload.test_attributes(WEBHOOK, "test-1", "2026-01-31T12:00:00.000000Z"),
    payload.test_data(WEBHOOK),
    texts.test_text("team", "owner"),
)


class Secrets:
    """A connection to an API server that has one Secret, or an answer in its place."""

    def __init__(self, data: dict[str, Any] | Exception | None) -> None:
        self._data = data
        self.asked: list[str] = []

    async def call(self, method: str, path: str, **_: Any) -> dict[str, Any]:
        self.asked.append(f"{method} {path}")
        if isinstance(self._data, Exception):
            raise self._data
        return {"metadata": {"name": "receiver"}, "data": self._data}


class Texts:
    """What would go to Apprise; its own tests are in test_apprise_service.py."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, texts.Text]] = []
        self.checked: list[str] = []

    async def check(self, address: str) -> None:
        self.checked.append(address)

    async def send(self, address: str, text: texts.Text) -> None:
        self.sent.append((address, text))


def encoded(**data: str) -> dict[str, str]:
    return {name.replace("_", "-"): base64.b64encode(value.encode()).decode() for name, value in data.items()}


def leading() -> None:
    pass


def not_leading() -> None:
    raise NotLeadingError("write", "this process does not hold the Lease")


@contextlib.asynccontextmanager
async def senders(
    data: dict[str, Any] | Exception | None, *, guard: Any = leading, apprise: Texts | None = None
) -> AsyncIterator[tuple[Senders, Secrets]]:
    secrets = Secrets(data)
    webhooks = Webhooks(dns(), tls=ssl.create_default_context(), plain_http=True, clock=lambda: datetime.now(UTC))
    services = cast(AppriseServices, apprise or Texts())
    try:
        yield Senders(Cluster(cast(Any, secrets), guard=guard), webhooks, services, account=ACCOUNT), secrets
    finally:
        await webhooks.close()


async def refused(data: dict[str, Any] | Exception | None, to: SinkView = WEBHOOK) -> DeliveryError:
    """Why nothing could be sent, which a look beforehand says as well."""
    async with senders(data) as (sending, _):
        with pytest.raises(DeliveryError) as found:
            await sending.send(to, MESSAGE)
        with pytest.raises(DeliveryError) as checked:
            await sending.check(to)
    assert (checked.value.reason, checked.value.message) == (found.value.reason, found.value.message)
    return found.value


async def test_a_webhook_is_sent_the_event_signed_with_the_key_of_the_secret() -> None:
    async with (
        receiver() as served,
        senders(encoded(url=f" {served.url()}\n", signing_secret=f"{KEY}\n")) as (sending, secrets),
    ):
        await sending.send(WEBHOOK, MESSAGE)
    (request,) = served.requests
    assert Webhook(KEY).verify(request.body, request.headers)["data"] == MESSAGE.data
    assert secrets.asked == ["GET /api/v1/namespaces/team/secrets/receiver"]


async def test_a_webhook_without_a_key_is_not_signed() -> None:
    async with receiver() as served, senders(encoded(url=served.url())) as (sending, _):
        await sending.check(WEBHOOK)
        await sending.send(WEBHOOK, MESSAGE)
    assert "webhook-signature" not in served.requests[0].headers
    assert json.loads(served.requests[0].body)["id"] == "test-1"


async def test_apprise_is_sent_the_text() -> None:
    texts_sent = Texts()
    async with senders(encoded(url="slack://a/b/c", signing_secret="no key"), apprise=texts_sent) as (sending, _):
        await sending.check(APPRISE)
        await sending.send(APPRISE, MESSAGE)
    assert texts_sent.sent == [("slack://a/b/c", MESSAGE.text)]
    assert texts_sent.checked == ["slack://a/b/c"]


async def test_the_secret_is_read_at_each_message() -> None:
    async with receiver() as served, senders(encoded(url=served.url())) as (sending, secrets):
        await sending.send(WEBHOOK, MESSAGE)
        await sending.send(WEBHOOK, MESSAGE)
    assert len(secrets.asked) == 2


async def test_the_keys_are_those_that_the_sink_names() -> None:
    named = sink(secretRef={"name": "other", "key": "hook", "signingKey": "hmac"})
    async with (
        receiver() as served,
        senders(encoded(hook=served.url(), hmac=KEY, url="https://private.test")) as (sending, secrets),
    ):
        await sending.send(named, MESSAGE)
    Webhook(KEY).verify(served.requests[0].body, served.requests[0].headers)
    assert secrets.asked == ["GET /api/v1/namespaces/team/secrets/other"]


NOT_TEXT = base64.b64encode(b"\xff\xfe\x00").decode()


@pytest.mark.parametrize(
    ("data", "reason", "says"),
    [
        pytest.param(
            MissingError("GET Secret", "not found", status=404, reason="NotFound"),
            "SecretMissing",
            "kubectl -n team create secret generic receiver --from-literal=url=ADDRESS",
            id="no Secret",
        ),
        pytest.param(None, "KeyMissing", "Secret receiver has no key url", id="a Secret without data"),
        pytest.param(encoded(uri="https://x.test"), "KeyMissing", "Secret receiver has no key url", id="another key"),
        pytest.param({"url": NOT_TEXT}, "AddressInvalid", "key url of Secret receiver is no text", id="bytes"),
        pytest.param({"url": ""}, "AddressInvalid", "key url of Secret receiver is empty", id="an empty address"),
        pytest.param(encoded(url=" \n"), "AddressInvalid", "key url of Secret receiver is empty", id="a blank address"),
        pytest.param(
            encoded(url="http://receiver.test") | {"signing-secret": NOT_TEXT},
            "KeyInvalid",
            "key signing-secret of Secret receiver is no text",
            id="a signing secret of bytes",
        ),
        pytest.param(
            encoded(url="http://receiver.test", signing_secret=""),
            "KeyInvalid",
            "key signing-secret of Secret receiver is empty",
            id="an empty signing secret",
        ),
        pytest.param(
            encoded(url="http://receiver.test", signing_secret="short"),
            "KeyInvalid",
            "openssl rand -base64 32",
            id="a signing secret that is none",
        ),
        pytest.param(encoded(url="receiver.test"), "AddressInvalid", "begins with https://", id="no URL"),
    ],
)
async def test_what_the_secret_lacks_is_told(data: Any, reason: str, says: str) -> None:
    error = await refused(data)
    assert error.reason == reason
    assert says in error.message


async def test_a_secret_that_may_not_be_read_is_told_with_the_commands_that_grant_it() -> None:
    error = await refused(ApiError("GET Secret", "forbidden", status=403, reason="Forbidden"))
    assert error.reason == "SecretForbidden"
    assert (
        "kubectl -n team create role taskyard-notifier-owner --verb=get --resource=secrets --resource-name=receiver && "
        "kubectl -n team create rolebinding taskyard-notifier-owner --role=taskyard-notifier-owner "
        f"--serviceaccount={ACCOUNT}"
    ) in error.message


@pytest.mark.parametrize("status", [0, 429, 500, 503])
async def test_an_api_server_that_does_not_answer_is_no_fault_of_the_sink(status: int) -> None:
    async with senders(ApiError("GET Secret", "not now", status=status)) as (sending, _):
        with pytest.raises(ApiError):
            await sending.send(WEBHOOK, MESSAGE)
        with pytest.raises(ApiError):
            await sending.check(WEBHOOK)


async def test_a_process_that_does_not_lead_sends_nothing() -> None:
    async with receiver() as served, senders(encoded(url=served.url()), guard=not_leading) as (sending, _):
        with pytest.raises(NotLeadingError):
            await sending.send(WEBHOOK, MESSAGE)
    assert served.connections == 0


def test_an_address_is_never_shown() -> None:
    address = Address("https://receiver.test/T0K3N", "S3CR3T")
    assert "T0K3N" not in repr(address) + str(address) + f"{address}"
    assert "S3CR3T" not in repr(address) + str(address) + f"{address}"

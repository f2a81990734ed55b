"""From a sink's address to what sends to it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from taskyard.api.vocabulary import SinkType
from taskyard.core import kubectl
from taskyard.core.api_object import Manifest
from taskyard.core.notifications import payload, texts
from taskyard.core.notifications.due import Notification
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.core.notifications.texts import Text
from taskyard.notifier.apprise_service import AppriseServices
from taskyard.notifier.cluster import ApiError, Cluster
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.shared_threads import NAMESPACE
from taskyard.notifier.webhook import Webhooks


@dataclass(frozen=True)
class Message:
    """One message, in the forms that sinks of both types need: attributes and data of an event, and its text."""

    attributes: dict[str, str]
    data: Manifest
    text: Text

    @classmethod
    def of(cls, notification: Notification, task: NotifiedTask, sink: SinkView) -> Message:
        """What is told of a Task."""
        text = texts.text(notification, task, link=texts.link(sink.links, task.namespace, task.name))
        return cls(payload.attributes(notification, task), payload.data(notification, task, sink), text)


@dataclass(frozen=True)
class Address:
    """What the Secret of a sink says. Never shown."""

    url: str
    signing_secret: str

    def __repr__(self) -> str:
        return "Address(…)"


class Senders:
    """Reads the Secret of a sink at each message, so that a changed one counts at once. `account` is the notifier's own
    service account, as `namespace:name`."""

    def __init__(self, cluster: Cluster, webhooks: Webhooks, apprise: AppriseServices, *, account: str) -> None:
        self._cluster = cluster
        self._webhooks = webhooks
        self._apprise = apprise
        self._account = account

    async def check(self, sink: SinkView) -> None:
        """Raises DeliveryError when nothing could be sent to a sink, ApiError when that cannot be said."""
        NAMESPACE.set(sink.namespace)
        address = await self._address(sink)
        if sink.type is SinkType.WEBHOOK:
            await self._webhooks.check(address.url, address.signing_secret)
        else:
            await self._apprise.check(address.url)

    async def send(self, sink: SinkView, message: Message) -> None:
        """Returns once the receiver has taken the message. Raises DeliveryError, and ApiError without an address."""
        NAMESPACE.set(sink.namespace)
        address = await self._address(sink)
        self._cluster.check_leading()
        if sink.type is SinkType.WEBHOOK:
            await self._webhooks.send(address.url, address.signing_secret, message.attributes, message.data)
        else:
            await self._apprise.send(address.url, message.text)

    async def _address(self, sink: SinkView) -> Address:
        secret = f"Secret {sink.secret}"
        try:
            found = await self._cluster.secret(sink.namespace, sink.secret)
        except ApiError as error:
            if error.status != 403:
                raise
            raise DeliveryError("SecretForbidden", _grant(sink, self._account)) from error
        if found is None:
            raise DeliveryError(
                "SecretMissing",
                f"there is no {secret}; make it with: {kubectl.create_secret(sink.namespace, sink.secret, sink.key)}",
            )
        data = found.get("data") or {}
        if sink.key not in data:
            raise DeliveryError(
                "KeyMissing", f"{secret} has no key {sink.key}; add it, or name another one in spec.secretRef.key"
            )
        url = _text(secret, sink.key, data, reason="AddressInvalid")
        is_signed = sink.type is SinkType.WEBHOOK and sink.signing_key in data
        return Address(url, _text(secret, sink.signing_key, data, reason="KeyInvalid") if is_signed else "")


def _text(secret: str, key: str, data: Manifest, *, reason: str) -> str:
    """The value of a key. Raises DeliveryError."""
    try:
        text = base64.b64decode(data[key] or "").decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        raise DeliveryError(reason, f"key {key} of {secret} is no text") from None
    if not text:
        # A message that is not signed because a value was forgotten would be told apart by nobody.
        raise DeliveryError(reason, f"key {key} of {secret} is empty; give it a value, or remove it")
    return text


def _grant(sink: SinkView, account: str) -> str:
    commands = kubectl.grant_secret(sink.namespace, sink.secret, role=f"taskyard-notifier-{sink.name}", account=account)
    return f"the notifier may not read Secret {sink.secret}; grant it that with: {commands}"

"""Looks whether a sink's messages can be sent at all, and sends the test messages that it is asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from taskyard.core import times
from taskyard.core.notifications import payload, texts
from taskyard.core.notifications.sink_view import SinkView
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.parts import Parts
from taskyard.notifier.senders import Message
from taskyard.notifier.turns import Turns


@dataclass(frozen=True)
class _Tried:
    """A test message that was sent, or could not be, and of which the status does not tell yet."""

    id: str
    error: DeliveryError | None


class SinkCheck:
    """The checks of one sink."""

    def __init__(self, parts: Parts, turns: Turns) -> None:
        self._parts = parts
        self._turns = turns
        self._tried: _Tried | None = None
        self._unchecked = False

    async def see_address(self, sink: SinkView) -> None:
        """Tell whether the address can be read and is allowed, unless that is known. Raises DeliveryError."""
        is_new = sink.ready is None or sink.observed_generation != sink.generation
        if not is_new and sink.ready is not None and sink.ready["status"] == "True":
            return
        try:
            await self._parts.senders.check(sink)
        except DeliveryError as error:
            self._unchecked = True
            await self._parts.status.not_taken(sink, error)
            raise
        # A message that was not taken is refuted by one that is, not by an address that can be read.
        if not is_new and not self._unchecked and sink.ready is not None and sink.ready["reason"] == "DeliveryFailed":
            return
        self._unchecked = False
        await self._parts.status.ready(sink, True, "Configured", "the address can be read and is allowed")

    async def test(self, sink: SinkView, asked: str) -> None:
        """Send a test message and tell what became of it. While that cannot be written, the message is not sent
        again. Raises DeliveryError when it was not taken."""
        id_ = _id(sink, asked)
        if self._tried is None or self._tried.id != id_:
            await self._turns.wait(sink)
            attributes = payload.test_attributes(sink, id_, times.micro(self._parts.clock()))
            text = texts.test_text(sink.namespace, sink.name)
            try:
                await self._parts.senders.send(sink, Message(attributes, payload.test_data(sink), text))
                self._tried = _Tried(id_, None)
            except DeliveryError as error:
                self._tried = _Tried(id_, error)
        fault = self._tried.error
        await self._parts.status.tested(sink, asked, fault)
        self._tried = None
        if fault is not None:
            raise fault


def _id(sink: SinkView, asked: str) -> str:
    """The same while the status does not tell of the test. With the test before it, since a value may come again."""
    named = "\n".join([asked, sink.tested or "", sink.tested_at or ""])
    return f"{sink.uid}-test-{hashlib.sha256(named.encode()).hexdigest()[:12]}"

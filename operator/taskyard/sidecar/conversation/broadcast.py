"""Publishes what happens: events to streams, and the conversation to standard output."""

import datetime
import itertools
import json
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, TextIO

from taskyard.core.text_sanitizer import CONTROLS
from taskyard.sidecar.conversation.conversation import Conversation, Message, timestamp
from taskyard.sidecar.conversation.events import BUFFER, Event, Hub, Stream
from taskyard.sidecar.conversation.status import Status

logger = logging.getLogger(__name__)

ERRORS_KEPT = 100


class Broadcast:
    """`hub` publishes messages, status and errors; `screens` publishes the agent's screen only."""

    def __init__(self, conversation: Conversation, transcript: TextIO, clock: Callable[[], datetime.datetime]) -> None:
        self.hub = Hub()
        self.screens = Hub()
        self._conversation = conversation
        self._transcript = transcript
        self._clock = clock
        self._errors: deque[dict[str, Any]] = deque(maxlen=ERRORS_KEPT)
        self._error_numbers = itertools.count()

    def listen(self, status: Status, agent_type: str) -> Stream:
        """A stream of events that begins with all messages, the status and the last errors."""
        known = self._conversation.messages
        stream = self.hub.open(BUFFER + len(known))
        for message in known:
            stream.put(("message", message.id), _message_event(message))
        stream.put("status", _status_event(status, agent_type))
        for number, error in enumerate(self._errors):
            stream.put(("replayed error", number), _error_event(error))
        return stream

    def watch(self, screen: Callable[[], str]) -> Stream:
        """A stream of the agent's screen, which begins with the current one."""
        stream = self.screens.open()
        stream.put("screen", _screen_event(screen))
        return stream

    def message(self, message: Message) -> None:
        self.hub.publish(("message", message.id), _message_event(message))

    def status(self, status: Status, agent_type: str) -> None:
        self.hub.publish("status", _status_event(status, agent_type))

    def screen(self, screen: Callable[[], str]) -> None:
        self.screens.publish("screen", _screen_event(screen))

    def warn(self, text: str) -> None:
        logger.warning("%s", text)
        error = {"message": text, "level": "warning", "time": timestamp(self._clock())}
        self._errors.append(error)
        self.hub.publish(("error", next(self._error_numbers)), _error_event(error))

    def transcribe(self, message: Message) -> None:
        """Writes the message to standard output, as one line of JSON."""
        line = {"time": message.time, "id": message.id, "role": message.role.value, "content": message.content}
        try:
            print(_line(line), file=self._transcript, flush=True)
        except (OSError, UnicodeError) as error:
            logger.warning("message %d could not be written to standard output: %s", message.id, error)


def _line(value: dict[str, Any]) -> str:
    """JSON with all control characters escaped, as it is shown by `kubectl logs`."""
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _message_event(message: Message) -> Event:
    return Event(
        "message_update",
        lambda: {"id": message.id, "role": message.role.value, "message": message.content, "time": message.time},
    )


def _status_event(status: Status, agent_type: str) -> Event:
    body = {"status": status.value, "agent_type": agent_type}
    return Event("status_change", lambda: body)


def _screen_event(screen: Callable[[], str]) -> Event:
    return Event("screen", lambda: {"screen": screen()})


def _error_event(error: dict[str, Any]) -> Event:
    return Event("agent_error", lambda: error)

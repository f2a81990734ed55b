"""Sending to webhooks, and why it is refused."""

from __future__ import annotations

import contextlib
import ssl
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from taskyard.notifier.egress_proxy import EgressProxy
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.guarded_dns import GuardedDns
from taskyard.notifier.webhook import Webhooks
from unit.notifier.receivers import dns

KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET_PATH = "/T0K3N-in-the-path?also=S3CR3T-in-the-query"
ATTRIBUTES = {
    "id": "11111111-1-idle-1769860800000",
    "source": "/apis/taskyard.dev/namespaces/team/tasks/web",
    "type": "dev.taskyard.task.idle",
    "subject": "team/web",
    "time": "2026-01-31T12:00:00.123456Z",
}
DATA = {"event": "Idle", "text": {"title": "Mend the door: the agent is idle", "body": "Grüße 🚪"}}


def now() -> datetime:
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def webhooks(
    guard: GuardedDns | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    plain_http: bool = True,
    egress: EgressProxy | None = None,
) -> AsyncIterator[Webhooks]:
    trusted = tls or ssl.create_default_context()
    found = Webhooks(guard or dns(), tls=trusted, plain_http=plain_http, clock=now, egress=egress)
    try:
        yield found
    finally:
        await found.close()


async def send(address: str, secret: str = "", guard: GuardedDns | None = None, **options: Any) -> None:
    async with webhooks(guard, **options) as sending:
        await sending.send(address, secret, ATTRIBUTES, DATA)


async def refused(address: str, secret: str = "", guard: GuardedDns | None = None, **options: Any) -> DeliveryError:
    """Why nothing was delivered. Neither the error nor what led to it shows anything of the address but its host."""
    with pytest.raises(DeliveryError) as found:
        await send(address, secret, guard, **options)
    shown = "".join(traceback.format_exception(found.value)) + repr(found.value) + found.value.message
    for secret_part in ("T0K3N", "S3CR3T", "MfKQ9r8G"):
        assert secret_part not in shown
    return found.value

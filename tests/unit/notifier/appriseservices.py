"""Services of Apprise behind the real proxy, and why they send nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from taskyard.core.notifications.texts import Text
from taskyard.notifier import settings
from taskyard.notifier.apprise_service import AppriseServices
from taskyard.notifier.connect_proxy import ConnectProxy
from taskyard.notifier.egress_proxy import EgressProxy
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.guarded_dns import GuardedDns
from unit.notifier.receivers import Answer, Receiver, authority, dns, receiver, serving, trust

TEXT = Text("Mend the door: the agent is idle", "The agent of Task team/web waits for a message.\n<b>Grüße</b> & more")
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """What is set for the whole process, as it was before."""
    import requests
    import urllib3

    environment = dict(os.environ)
    decoders = urllib3.response.BaseHTTPResponse.CONTENT_DECODERS
    encoding, proxies = requests.utils.DEFAULT_ACCEPT_ENCODING, vars(requests.utils)["getproxies"]
    yield
    os.environ.clear()
    os.environ.update(environment)
    urllib3.response.BaseHTTPResponse.CONTENT_DECODERS = decoders
    requests.utils.DEFAULT_ACCEPT_ENCODING = encoding
    vars(requests.utils)["getproxies"] = proxies


def services(
    *, schemes: str = settings.SCHEMES, mail: str = "", proxy: str = NOWHERE, certificates: str = ""
) -> AppriseServices:
    return AppriseServices(
        schemes=schemes.split(),
        mail_hosts=mail.split(),
        proxy=proxy,
        certificates=certificates or certifi.where(),
    )


@contextlib.asynccontextmanager
async def sending(
    guard: GuardedDns | None = None, egress: EgressProxy | None = None, **options: Any
) -> AsyncIterator[AppriseServices]:
    """Services whose HTTP goes through a proxy of their own."""
    proxy = ConnectProxy(guard or dns(), egress)
    found = services(proxy=await proxy.start(), **options)
    try:
        yield found
    finally:
        found.close()
        await proxy.close()


@contextlib.asynccontextmanager
async def json_receiver(
    folder: Path, reply: Answer, guard: GuardedDns | None = None
) -> AsyncIterator[tuple[Receiver, AppriseServices]]:
    """A server with TLS, for Apprise's scheme jsons, which posts to whatever host it names."""
    known = authority()
    async with (
        receiver(reply, tls=serving(known, folder)) as served,
        sending(guard, schemes="json jsons", certificates=trust(known, folder)) as found,
    ):
        yield served, found


async def refused(service: AppriseServices, address: str) -> DeliveryError:
    """Why nothing was sent; neither the error nor a log shows anything of the address that is secret."""
    with pytest.raises(DeliveryError) as found:
        await service.send(address, TEXT)
    assert "T0K3N" not in found.value.message + repr(found.value)
    return found.value

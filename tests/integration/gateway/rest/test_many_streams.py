"""Two hundred clients with a stream each, one that does not read, and the gateway's shutdown."""

import asyncio
import json
import socket
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.rest_namespace import RestNamespace, paused
from taskyard.core.security.keyring import Keyring

CLIENTS = 200
TASKS = 20
# With the 84 MiB of an idle gateway this makes 120 in total. The value here depends on what other tests left in the API
# server; `make bench` measures it with a thousand Tasks.
MEMORY_MIB = 36
SECONDS = 60.0
TITLE = "the last title"


@dataclass
class Follower:
    """Reads a stream until it ends."""

    url: str
    token: str
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    retry: str = ""

    async def read(self, client: httpx.AsyncClient) -> None:
        async with client.stream("GET", self.url, headers={"Authorization": f"Bearer {self.token}"}) as answer:
            assert answer.status_code == 200, await answer.aread()
            async for line in answer.aiter_lines():
                self.begun.set()
                name, _, value = line.partition(": ")
                if name == "retry":
                    self.retry = value
                if name == "data" and json.loads(value).get("display_name") == TITLE:
                    self.told.set()


def resident_mib(gateway: Gateway) -> float:
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def unread(gateway: Gateway, keyring: Keyring, path: str, token: str) -> ssl.SSLSocket:
    """A stream that is not read, with the smallest possible buffers."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", gateway.people_port))
    context = ssl.create_default_context(cadata=keyring.authority.certificate_pem)
    secured = context.wrap_socket(connection, server_hostname="localhost")
    secured.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    return secured


async def test_two_hundred_streams_cost_little_hold_nobody_up_and_end_with_the_gateway(
    own_ns: RestNamespace, own_gateway: Gateway, keyring: Keyring
) -> None:
    names = [f"task-{number}" for number in range(TASKS)]
    for name in names:
        own_ns.task(name, prompt="x" * 4000)
    # Each caller may have 128 streams.
    tokens = [own_ns.token("owner"), own_ns.token("reader")]
    urls = [own_ns.url("/tasks/watch"), own_ns.url(f"/tasks/me/{names[0]}/events")]
    followers = [Follower(urls[number % 2], tokens[number // 2 % 2]) for number in range(CLIENTS)]
    context = ssl.create_default_context(cadata=keyring.authority.certificate_pem)
    before = resident_mib(own_gateway)
    limits, change = httpx.Limits(max_connections=None), own_ns.workspace.patch_task
    async with (
        asyncio.timeout(SECONDS),
        httpx.AsyncClient(verify=context, timeout=SECONDS, limits=limits, trust_env=False) as client,
        asyncio.TaskGroup() as reading,
    ):
        for follower in followers:
            reading.create_task(follower.read(client))
        await asyncio.gather(*(follower.begun.wait() for follower in followers))
        idle = await asyncio.to_thread(unread, own_gateway, keyring, "/api/v1alpha1/tasks/watch", tokens[0])
        # More than fits into the buffers of the client that does not read.
        for number in range(60):
            await asyncio.to_thread(change, names[number % TASKS], paused(1) | {"displayName": f"title {number}"})
        began = time.monotonic()
        await asyncio.to_thread(change, names[0], {"displayName": TITLE})
        await asyncio.gather(*(follower.told.wait() for follower in followers))
        took, resident = time.monotonic() - began, resident_mib(own_gateway)
        print(f"{CLIENTS} streams: notified within {took:.2f} s, {before:.0f} MiB resident and then {resident:.0f}")
        assert resident - before <= MEMORY_MIB
        assert (await asyncio.to_thread(own_ns.owner.get, "/tasks/me/task-1")).status_code == 200
        idle.close()
        own_gateway.terminate()
    assert await asyncio.to_thread(own_gateway.wait) == 0
    # They reconnect, but not all at the same time.
    retries = [int(follower.retry) for follower in followers]
    assert 500 <= min(retries) < max(retries) <= 5000
    assert len(set(retries)) > CLIENTS / 4
    assert "Traceback" not in own_gateway.log.read_text()

"""The gateway's client for streams of conversations, against a real sidecar process."""

import asyncio
import json
from contextlib import aclosing

import pytest

from ports import free_port
from taskyard.core.security.keys import pod_key
from taskyard.sidecarclient import NoAnswerError, Sidecars, UnreachableError
from unit.sidecar.gateway_app import POD_UID
from unit.sidecar.pod import PATIENCE, Pod

MASTER_KEY = b"m" * 32


def sidecars(pod: Pod, *, key: bytes = MASTER_KEY, port: int = 0) -> Sidecars:
    return Sidecars(ca_certificate=pod.gateway.authority.pem, master_key=key, port=port or pod.port)


async def test_a_conversation_is_streamed_from_its_beginning_and_as_it_continues(pod: Pod) -> None:
    pod.gateway.key = pod_key(MASTER_KEY, POD_UID)
    pod.gateway.token = f"team/shell-1/{POD_UID}.{pod.gateway.key}"
    pod.start_agent()
    pod.start_sidecar()
    await asyncio.to_thread(pod.until_stable)
    client, stranger, lost = sidecars(pod), sidecars(pod, key=b"x" * 32), sidecars(pod, port=free_port())
    try:
        async with asyncio.timeout(PATIENCE), aclosing(client.events(ip="127.0.0.1", pod_uid=POD_UID)) as events:
            assert (await anext(events))[0] == "message_update"
            await asyncio.to_thread(pod.post, "echo $((6 * 7)) \N{LINE SEPARATOR}")
            contents = {}
            async for name, data in events:
                if name == "message_update":
                    message = json.loads(data)
                    contents[message["role"]] = message["message"]
                    if message["role"] == "agent" and "42" in message["message"]:
                        break
            assert "\N{LINE SEPARATOR}" in contents["user"]
        with pytest.raises(NoAnswerError, match="401"):
            await anext(stranger.events(ip="127.0.0.1", pod_uid=POD_UID))
        with pytest.raises(UnreachableError):
            await anext(lost.events(ip="127.0.0.1", pod_uid=POD_UID))
    finally:
        await asyncio.gather(client.close(), stranger.close(), lost.close())

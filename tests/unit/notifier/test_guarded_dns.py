"""Only what was checked is connected to."""

from __future__ import annotations

import asyncio
import socket
import time
from ipaddress import ip_network

import pytest

from taskyard.notifier import guarded_dns
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.guarded_dns import GuardedDns, system_lookup
from taskyard.notifier.shared_threads import NAMESPACE
from unit.notifier.receivers import LOOPBACK, Names, names

PUBLIC = "93.184.216.34"


async def refusal(host: str, lookup: Names | None = None, *, allowed: str = "") -> DeliveryError:
    guard = GuardedDns(allowed=tuple(map(ip_network, allowed.split())), lookup=lookup or system_lookup)
    with pytest.raises(DeliveryError) as found:
        await guard.addresses(host, 443)
    return found.value


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param("10.0.0.1", "receiver.test is 10.0.0.1, which is private or reserved", id="a private address"),
        pytest.param(f"{PUBLIC},10.0.0.1", "receiver.test is 10.0.0.1", id="a public and a private address"),
        pytest.param(f"10.0.0.1,{PUBLIC}", "receiver.test is 10.0.0.1", id="a private and a public address"),
        pytest.param("169.254.169.254", "link-local", id="a metadata service"),
        pytest.param("::1", "loopback", id="loopback of IPv6"),
        pytest.param("::ffff:127.0.0.1", "loopback", id="loopback in IPv6"),
        pytest.param("fe80::1%eth0", "link-local", id="an address with a zone"),
        pytest.param("nonsense", "is no address", id="no address at all"),
    ],
)
async def test_a_host_of_which_one_address_is_not_public_is_refused(answer: str, says: str) -> None:
    error = await refusal("receiver.test", names(receiver_test=answer))
    assert error.reason == "AddressRefused"
    assert says in error.message
    assert "notifier.allow.networks" in error.message


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("127.0.0.1", id="of IPv4"),
        pytest.param("10.0.0.1", id="a private one"),
        pytest.param("::1", id="of IPv6"),
        pytest.param("[::1]", id="in brackets"),
        pytest.param("fe80::1%lo", id="with a zone"),
        pytest.param("::ffff:10.0.0.1", id="one within the other"),
    ],
)
async def test_a_literal_is_checked_without_a_lookup(host: str) -> None:
    lookup = names()
    assert (await refusal(host, lookup)).reason == "AddressRefused"
    assert lookup.asked == []


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("0x7f.1", id="hex"),
        pytest.param("0x7f000001", id="one hex number"),
        pytest.param("2130706433", id="one number"),
        pytest.param("017700000001", id="one octal number"),
        pytest.param("0177.0.0.1", id="an octal part"),
        pytest.param("127.1", id="two parts"),
        pytest.param("localhost", id="a name of this machine"),
    ],
)
async def test_odd_forms_of_loopback_are_what_the_system_says(host: str) -> None:
    error = await refusal(host)
    assert error.reason == "AddressRefused", error.message
    assert "loopback" in error.message


async def test_public_and_allowed_addresses_are_returned_in_their_order() -> None:
    guard = GuardedDns(allowed=LOOPBACK, lookup=names(receiver_test=f"127.0.0.2,{PUBLIC},2606:4700::1"))
    assert await guard.addresses("receiver.test", 443) == ["127.0.0.2", PUBLIC, "2606:4700::1"]
    results = await guard.resolve("receiver.test", 443)
    assert [(each["host"], each["family"], each["port"]) for each in results] == [
        ("127.0.0.2", socket.AF_INET, 443),
        (PUBLIC, socket.AF_INET, 443),
        ("2606:4700::1", socket.AF_INET6, 443),
    ]
    assert await guard.addresses("[2606:4700::1%eth0]", 443) == ["2606:4700::1"], "and a zone is left out"


async def test_a_network_that_the_installation_refuses_is_told_as_that() -> None:
    guard = GuardedDns(refused=(ip_network("93.184.0.0/16"),), lookup=names(receiver_test=PUBLIC))
    with pytest.raises(
        DeliveryError, match=rf"receiver\.test is {PUBLIC}, which is in a network that this installation"
    ):
        await guard.addresses("receiver.test", 443)
    with pytest.raises(PermissionError):
        guard.checked_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", (PUBLIC, 443)))


async def test_every_lookup_is_checked() -> None:
    guard = GuardedDns(lookup=Names(receiver_test=[[PUBLIC], ["127.0.0.1"]]))
    assert await guard.addresses("receiver.test", 443) == [PUBLIC]
    with pytest.raises(DeliveryError, match="loopback"):
        await guard.addresses("receiver.test", 443)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        pytest.param("127.0.0.1", False, id="loopback"),
        pytest.param("10.0.0.1", False, id="a private address"),
        pytest.param("fe80::1%lo", False, id="one with a zone"),
        pytest.param("2130706433", False, id="what is no address"),
        pytest.param(PUBLIC, True, id="a public address"),
    ],
)
def test_the_last_look_is_at_the_socket(address: str, allowed: bool) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    info = (family, socket.SOCK_STREAM, 0, "", (address, 443))
    if allowed:
        GuardedDns().checked_socket(info).close()
    else:
        with pytest.raises(PermissionError):
            GuardedDns().checked_socket(info)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param(socket.gaierror(-2, "Name or service not known"), "Name or service not known", id="no such name"),
        pytest.param(UnicodeError("label too long"), "the name is invalid", id="no name at all"),
        pytest.param(ValueError("embedded null character"), "the name is invalid", id="a NUL"),
    ],
)
async def test_a_name_without_an_address_is_told(fault: Exception, says: str) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        raise fault

    with pytest.raises(DeliveryError, match=says) as found:
        await GuardedDns(lookup=lookup).addresses("receiver.test", 443)
    assert found.value.reason == "DeliveryFailed"


async def test_no_answer_at_all_is_no_address() -> None:
    async def lookup(host: str, port: int) -> list[str]:
        return []

    with pytest.raises(DeliveryError, match=r"receiver\.test has no address"):
        await GuardedDns(lookup=lookup).addresses("receiver.test", 443)


async def test_name_servers_that_do_not_answer_are_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return [PUBLIC]

    monkeypatch.setattr(guarded_dns, "LOOKUP_SECONDS", 0.05)
    with pytest.raises(DeliveryError, match=r"no name server answered for receiver\.test within 0\.05 s"):
        await GuardedDns(lookup=lookup).addresses("receiver.test", 443)


async def test_lookups_that_hang_hold_up_no_other_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def slow(host: str, *arguments: object, **named: object) -> object:
        if host == "slow.test":
            time.sleep(3)
        return real("127.0.0.1", *arguments, **named)  # type: ignore[arg-type, call-overload]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    NAMESPACE.set("bad")
    hanging = [asyncio.create_task(system_lookup("slow.test", 443)) for _ in range(100)]
    await asyncio.sleep(0.05)
    NAMESPACE.set("good")
    async with asyncio.timeout(1.5):
        assert await system_lookup("quick.test", 443) == ["127.0.0.1"]
    for each in hanging:
        each.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)

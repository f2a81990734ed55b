"""Which addresses are on the public internet: IANA's registries row by row, and what stands for another address."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core import public_address

# https://www.iana.org/assignments/iana-ipv4-special-registry: every row, and what is not in it.
SPECIAL_V4 = {
    "0.0.0.0/8": "this network",
    "0.0.0.0/32": "this host on this network",
    "10.0.0.0/8": "private use",
    "100.64.0.0/10": "shared address space, which has Alibaba's metadata service",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local, which has metadata services",
    "172.16.0.0/12": "private use",
    "192.0.0.0/24": "IETF protocol assignments, which has Oracle's metadata service",
    "192.0.0.0/29": "IPv4 service continuity prefix",
    "192.0.0.8/32": "IPv4 dummy address",
    "192.0.0.9/32": "port control protocol anycast",
    "192.0.0.10/32": "traversal using relays around NAT anycast",
    "192.0.0.170/32": "NAT64 and DNS64 discovery",
    "192.0.2.0/24": "documentation (TEST-NET-1)",
    "192.88.99.0/24": "6to4 relay anycast",
    "192.168.0.0/16": "private use",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation (TEST-NET-2)",
    "203.0.113.0/24": "documentation (TEST-NET-3)",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
    "255.255.255.255/32": "limited broadcast",
    "168.63.129.16/32": "Azure's platform",
}
# https://www.iana.org/assignments/iana-ipv6-special-registry
SPECIAL_V6 = {
    "::1/128": "loopback",
    "::/128": "unspecified",
    "::ffff:0:0/112": "IPv4-mapped, with 0.0.0.0/16 inside",
    "::ffff:0:0:0/96": "IPv4-translated",
    "64:ff9b::/112": "NAT64, with 0.0.0.0/16 inside",
    "64:ff9b:1::/48": "NAT64 of one's own network",
    "100::/64": "discard only",
    "100:0:0:1::/64": "dummy prefix",
    "2001::/23": "IETF protocol assignments",
    "2001::/32": "Teredo",
    "2001:1::1/128": "port control protocol anycast",
    "2001:1::2/128": "traversal using relays around NAT anycast",
    "2001:1::3/128": "DNS-SD service registration anycast",
    "2001:2::/48": "benchmarking",
    "2001:3::/32": "AMT",
    "2001:4:112::/48": "AS112-v6",
    "2001:10::/28": "ORCHID",
    "2001:20::/28": "ORCHIDv2",
    "2001:30::/28": "drone remote ID",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "3fff::/20": "documentation",
    "5f00::/16": "segment routing SIDs",
    "fc00::/7": "unique local, which has the metadata services of AWS and Google",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
    "::/96": "IPv4-compatible",
    "4000::/3": "not allocated",
}
SPECIAL = [pytest.param(network, id=f"{network}: {meaning}") for network, meaning in (SPECIAL_V4 | SPECIAL_V6).items()]


def problem(text: str, *allowed: str) -> str:
    address = public_address.parse(text)
    assert address is not None, text
    return public_address.problem(address, allowed=tuple(map(ipaddress.ip_network, allowed)))


@pytest.mark.parametrize("network", SPECIAL)
def test_a_special_network_is_refused_from_its_first_to_its_last_address(network: str) -> None:
    found = ipaddress.ip_network(network)
    for address in (found[0], found[found.num_addresses // 2], found[-1]):
        assert public_address.problem(address), address


@pytest.mark.parametrize("network", SPECIAL)
def test_it_is_allowed_where_the_installation_allows_it(network: str) -> None:
    found = ipaddress.ip_network(network)
    allowed = found
    if network == "::ffff:0:0/112" or network == "64:ff9b::/112":
        # What stands for an address of IPv4 is judged as that one.
        assert public_address.problem(found[1], allowed=(found,))
        allowed = ipaddress.ip_network("0.0.0.0/16")
    assert public_address.problem(found[-1], allowed=(allowed,)) == ""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1.1.1.1", id="a name server"),
        pytest.param("8.8.8.8", id="another one"),
        pytest.param("9.255.255.255", id="before 10.0.0.0/8"),
        pytest.param("11.0.0.0", id="after 10.0.0.0/8"),
        pytest.param("100.63.255.255", id="before 100.64.0.0/10"),
        pytest.param("100.128.0.0", id="after 100.64.0.0/10"),
        pytest.param("168.63.129.15", id="before Azure's platform"),
        pytest.param("168.63.129.17", id="after Azure's platform"),
        pytest.param("169.253.255.255", id="before link-local"),
        pytest.param("172.15.255.255", id="before 172.16.0.0/12"),
        pytest.param("172.32.0.0", id="after 172.16.0.0/12"),
        pytest.param("192.0.1.0", id="after the protocol assignments"),
        pytest.param("192.31.196.1", id="AS112-v4, which is globally reachable"),
        pytest.param("192.167.255.255", id="before 192.168.0.0/16"),
        pytest.param("192.169.0.0", id="after 192.168.0.0/16"),
        pytest.param("198.17.255.255", id="before the benchmarks"),
        pytest.param("198.20.0.0", id="after the benchmarks"),
        pytest.param("223.255.255.255", id="before multicast"),
        pytest.param("2606:4700:4700::1111", id="a name server by IPv6"),
        pytest.param("2001:4860:4860::8888", id="after the protocol assignments of IPv6"),
        pytest.param("2620:4f:8000::1", id="AS112-v6, which is globally reachable"),
        pytest.param("2000::1", id="the first of global unicast"),
        pytest.param("3ffe:ffff::1", id="before the newer documentation prefix"),
        pytest.param("::ffff:1.1.1.1", id="IPv4-mapped, with a public one inside"),
        pytest.param("64:ff9b::1.1.1.1", id="NAT64, with a public one inside"),
    ],
)
def test_a_public_address_is_none_of_them(text: str) -> None:
    assert problem(text) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("127.0.0.1", public_address.LOOPBACK, id="loopback"),
        pytest.param("127.255.255.254", public_address.LOOPBACK, id="the end of loopback"),
        pytest.param("::1", public_address.LOOPBACK, id="loopback of IPv6"),
        pytest.param("169.254.169.254", public_address.LINK_LOCAL, id="metadata"),
        pytest.param("fe80::1%eth0", public_address.LINK_LOCAL, id="link-local with a zone"),
        pytest.param("[::1]", public_address.LOOPBACK, id="in brackets"),
        pytest.param("::ffff:169.254.169.254", public_address.LINK_LOCAL, id="metadata, IPv4-mapped"),
        pytest.param("::ffff:a9fe:a9fe", public_address.LINK_LOCAL, id="the same in hex"),
        pytest.param("64:ff9b::10.0.0.1", public_address.RESERVED, id="NAT64 with a private one inside"),
        pytest.param("64:ff9b::127.0.0.1", public_address.LOOPBACK, id="NAT64 with loopback inside"),
        pytest.param("2002:7f00:1::", public_address.STANDS_FOR_ANOTHER, id="6to4 with loopback inside"),
        pytest.param("2002:101:101::", public_address.STANDS_FOR_ANOTHER, id="6to4 with a public one inside"),
        pytest.param("2001:0:7f00:1::", public_address.STANDS_FOR_ANOTHER, id="Teredo"),
        pytest.param("::127.0.0.1", public_address.STANDS_FOR_ANOTHER, id="IPv4-compatible"),
        pytest.param("::ffff:0:127.0.0.1", public_address.STANDS_FOR_ANOTHER, id="IPv4-translated"),
        pytest.param("168.63.129.16", public_address.PLATFORM, id="Azure's platform"),
        pytest.param("::ffff:168.63.129.16", public_address.PLATFORM, id="Azure's platform, IPv4-mapped"),
        pytest.param("224.0.0.1", public_address.MULTICAST, id="multicast"),
        pytest.param("ff02::1", public_address.MULTICAST, id="multicast of IPv6"),
        pytest.param("0.0.0.0", public_address.UNSPECIFIED, id="no address"),
        pytest.param("::", public_address.UNSPECIFIED, id="no address of IPv6"),
        pytest.param("fd00:ec2::254", public_address.RESERVED, id="metadata of AWS by IPv6"),
        pytest.param("100.100.100.200", public_address.RESERVED, id="metadata of Alibaba"),
    ],
)
def test_it_says_why(text: str, expected: str) -> None:
    assert problem(text) == expected


@pytest.mark.parametrize(
    ("text", "allowed", "expected"),
    [
        pytest.param("10.1.2.3", ["10.1.0.0/16"], True, id="in an allowed network"),
        pytest.param("10.2.2.3", ["10.1.0.0/16"], False, id="beside it"),
        pytest.param("10.2.2.3", ["fd00::/8", "10.0.0.0/8"], True, id="in the second one"),
        pytest.param("fd00::1", ["10.0.0.0/8"], False, id="of the other version"),
        pytest.param("fd00::1", ["fd00::/8"], True, id="of IPv6"),
        pytest.param("::ffff:10.1.2.3", ["10.1.0.0/16"], True, id="IPv4-mapped"),
        pytest.param("64:ff9b::10.1.2.3", ["10.1.0.0/16"], True, id="NAT64"),
        pytest.param("::ffff:10.2.2.3", ["10.1.0.0/16"], False, id="IPv4-mapped, beside it"),
        pytest.param("2002:a01:203::", ["10.1.0.0/16"], False, id="6to4 is not looked into"),
    ],
)
def test_networks_that_are_allowed(text: str, allowed: list[str], expected: bool) -> None:
    assert (problem(text, *allowed) == "") is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2600:1f00:1::7", public_address.OF_THE_INSTALLATION, id="a public address of the cluster"),
        pytest.param("2600:1f00:2::7", "", id="a public one beside it"),
        pytest.param("20.1.2.3", public_address.OF_THE_INSTALLATION, id="one of IPv4"),
        pytest.param("::ffff:20.1.2.3", public_address.OF_THE_INSTALLATION, id="the same, IPv4-mapped"),
        pytest.param("64:ff9b::20.1.2.3", public_address.OF_THE_INSTALLATION, id="the same, by NAT64"),
        pytest.param("10.1.2.3", public_address.OF_THE_INSTALLATION, id="one that is allowed as well"),
        pytest.param("10.2.2.3", "", id="one that is allowed"),
    ],
)
def test_networks_that_are_refused_are_so_in_any_case(text: str, expected: str) -> None:
    refused = tuple(map(ipaddress.ip_network, ("2600:1f00:1::/48", "20.1.0.0/16", "10.1.0.0/16")))
    allowed = (ipaddress.ip_network("10.0.0.0/8"),)
    address = public_address.parse(text)
    assert address is not None
    assert public_address.problem(address, allowed=allowed, refused=refused) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("receiver.test", id="a name"),
        pytest.param("", id="nothing"),
        pytest.param("0x7f.1", id="hex"),
        pytest.param("2130706433", id="one number"),
        pytest.param("017700000001", id="one octal number"),
        pytest.param("0177.0.0.1", id="an octal part"),
        pytest.param("127.1", id="two parts"),
        pytest.param("127.0.0.01", id="a leading zero"),
        pytest.param("\uff11\uff12\uff17.0.0.1", id="digits of full width"),
        pytest.param("[127.0.0.1", id="half a bracket"),
        pytest.param("1.2.3.4 ", id="a blank"),
        pytest.param(":::1", id="too many colons"),
    ],
)
def test_odd_forms_are_names_for_the_systems_resolver(text: str) -> None:
    assert public_address.parse(text) is None


@given(st.ip_addresses(v=4))
def test_no_address_that_python_knows_as_private_is_public(address: ipaddress.IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert public_address.problem(address)


@given(st.ip_addresses(v=6))
def test_nor_one_of_ipv6(address: ipaddress.IPv6Address) -> None:
    if address.ipv4_mapped is None and (address.is_private or address.is_link_local or address.is_multicast):
        assert public_address.problem(address)


@given(st.ip_addresses(v=4))
def test_an_address_that_stands_for_one_of_ipv4_is_judged_as_that(address: ipaddress.IPv4Address) -> None:
    expected = public_address.problem(address)
    for prefix in (0xFFFF << 32, 0x64FF9B << 96):
        assert public_address.problem(ipaddress.IPv6Address(prefix | int(address))) == expected

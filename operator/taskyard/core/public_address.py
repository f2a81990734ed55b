"""Which addresses are on the public internet: those that IANA's registries of special-purpose addresses do not list,
without what stands for another address or for the platform underneath.

The networks are written down here: the tables of Python's ipaddress differ from version to version.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK = "is the machine itself (loopback)"
LINK_LOCAL = "is link-local, where clouds have their metadata services"
MULTICAST = "is a multicast address"
UNSPECIFIED = "is no address of a machine"
PLATFORM = "is the cloud's own platform"
STANDS_FOR_ANOTHER = "stands for an address of another network"
RESERVED = "is private or reserved"
OF_THE_INSTALLATION = "is in a network that this installation refuses"

# What contains an address first says why it is refused.
_V4 = tuple(
    (ipaddress.IPv4Network(network), problem)
    for network, problem in (
        ("127.0.0.0/8", LOOPBACK),
        ("169.254.0.0/16", LINK_LOCAL),
        ("0.0.0.0/32", UNSPECIFIED),
        ("0.0.0.0/8", RESERVED),
        ("10.0.0.0/8", RESERVED),
        ("100.64.0.0/10", RESERVED),
        ("172.16.0.0/12", RESERVED),
        ("192.0.0.0/24", RESERVED),
        ("192.0.2.0/24", RESERVED),
        # The former relays of 6to4.
        ("192.88.99.0/24", STANDS_FOR_ANOTHER),
        ("192.168.0.0/16", RESERVED),
        ("198.18.0.0/15", RESERVED),
        ("198.51.100.0/24", RESERVED),
        ("203.0.113.0/24", RESERVED),
        ("224.0.0.0/4", MULTICAST),
        ("240.0.0.0/4", RESERVED),
        # Public by the registry, and yet Azure's metadata and host services.
        ("168.63.129.16/32", PLATFORM),
    )
)
_V6 = tuple(
    (ipaddress.IPv6Network(network), problem)
    for network, problem in (
        ("::1/128", LOOPBACK),
        ("::/128", UNSPECIFIED),
        ("fe80::/10", LINK_LOCAL),
        ("ff00::/8", MULTICAST),
        # Translated (SIIT), NAT64 of one's own network, IPv4-compatible, Teredo and 6to4.
        ("::ffff:0:0:0/96", STANDS_FOR_ANOTHER),
        ("64:ff9b:1::/48", STANDS_FOR_ANOTHER),
        ("::/96", STANDS_FOR_ANOTHER),
        ("2001::/32", STANDS_FOR_ANOTHER),
        ("2002::/16", STANDS_FOR_ANOTHER),
        # Protocols' own addresses, benchmarks, ORCHID, and documentation.
        ("2001::/23", RESERVED),
        ("2001:db8::/32", RESERVED),
        ("3fff::/20", RESERVED),
    )
)
# All that was ever given to networks of the internet.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# The well-known prefix of NAT64, behind which there is the IPv4 internet, or the machine's own network.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def parse(text: str) -> Address | None:
    """The address in a text, such as the host of a URL, with or without brackets and zone; None for a name."""
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None


def problem(address: Address, *, allowed: Iterable[Network] = (), refused: Iterable[Network] = ()) -> str:
    """Why an address is none of the public internet, as the end of a sentence; empty for one that is, or that lies in
    an `allowed` network. Addresses in a `refused` network are none in any case: clusters may have public ones too.

    An IPv6 address that stands for one of IPv4 is judged as that one where the internet has it, and is refused
    otherwise."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return problem(address.ipv4_mapped, allowed=allowed, refused=refused)
        if address in _NAT64:
            return problem(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF), allowed=allowed, refused=refused)
    if any(address.version == network.version and address in network for network in refused):
        return OF_THE_INSTALLATION
    if any(address.version == network.version and address in network for network in allowed):
        return ""
    if isinstance(address, ipaddress.IPv4Address):
        return next((found for network, found in _V4 if address in network), "")
    found = next((found for network, found in _V6 if address in network), "")
    return found or ("" if address in _GLOBAL_UNICAST else RESERVED)

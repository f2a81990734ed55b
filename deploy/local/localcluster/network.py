"""Addresses of the node, and the pair of interfaces that joins its network namespace with the host.

The host has one interface, ``taskyard0``, and nothing else: no other route, no rule, no forwarding. So Pods reach each
other and the node, but not the internet.
"""

import ipaddress
import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

HOST_INTERFACE = "taskyard0"
NODE_INTERFACE = "eth0"


@dataclass(frozen=True)
class Plan:
    """The cluster's addresses; ``host`` and ``node`` are the two ends of ``link``, a network of four addresses."""

    link: str
    host: str
    node: str
    pods: str
    services: str

    @property
    def kubernetes_service(self) -> str:
        """The Service address of the API server, always the first of the range."""
        return str(ipaddress.ip_network(self.services)[1])

    @property
    def dns_service(self) -> str:
        return str(ipaddress.ip_network(self.services)[10])


def choose(routes: Iterable[str]) -> Plan:
    """The first plan whose link overlaps with none of the host's routes (destinations as ``ip route`` shows them).

    Pods' and Services' networks exist inside the namespace only, so only the link can clash.
    Raises ``ValueError`` when every candidate does.
    """
    taken = [ipaddress.ip_network(route, strict=False) for route in routes if route != "default"]
    for second in range(219, 250):
        link = ipaddress.ip_network(f"10.{second}.0.0/30")
        if not any(link.overlaps(network) for network in taken if network.version == 4):
            return Plan(
                link=str(link),
                host=str(link[1]),
                node=str(link[2]),
                pods=f"10.{second}.128.0/22",
                services=f"10.{second}.64.0/18",
            )
    raise ValueError("every network from 10.219.0.0 to 10.249.0.0 is routed on this machine")


def host_routes() -> list[str]:
    """Destinations of this machine's IPv4 routes, except our own link's."""
    routes = json.loads(_ip("-json", "-4", "route", "show") or "[]")
    return [str(route["dst"]) for route in routes if route.get("dev") != HOST_INTERFACE]


def join(plan: Plan, pid: int) -> None:
    """Makes the pair: one end stays here, the other moves to the network namespace of process ``pid``."""
    remove()
    _ip(
        *("link", "add", HOST_INTERFACE, "type", "veth"),
        *("peer", "name", NODE_INTERFACE, "netns", str(pid)),
    )
    _ip("address", "add", f"{plan.host}/30", "dev", HOST_INTERFACE)
    _ip("link", "set", HOST_INTERFACE, "up")


def remove() -> None:
    """Removes the host's end, and with it the other; no error when there is none."""
    if exists():
        subprocess.run(["ip", "link", "delete", HOST_INTERFACE], capture_output=True, check=False, timeout=10)


def exists() -> bool:
    shown = subprocess.run(["ip", "link", "show", HOST_INTERFACE], capture_output=True, check=False, timeout=10)
    return shown.returncode == 0


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True, timeout=10).stdout

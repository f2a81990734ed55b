"""Listening sockets of the HTTP servers. It needs only the standard library, so that a port can be taken before a
process has loaded its code.
"""

import errno
import socket

_BACKLOG = 512
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


def bind(address: str, port: int) -> socket.socket:
    """A listening socket. An empty address or `::` means all addresses of both families, or those of IPv4 on a machine
    without IPv6. Raises OSError when the address cannot be bound."""
    # It listens at once: otherwise another process bound to the same port could listen first, unnoticed.
    listening = _listen(address, port)
    # asyncio does this for sockets that it creates itself. A response is sent in two writes, and without it the second
    # waits for the client's delayed acknowledgment: 40 ms a request.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _listen(address: str, port: int) -> socket.socket:
    if address not in ("", "::"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
        except OSError as error:
            # A machine may support IPv6 but have it switched off.
            if error.errno not in _NO_IPV6:
                raise
    return socket.create_server(("", port), backlog=_BACKLOG)

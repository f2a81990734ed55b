"""Run by the agent: floods the ports of its Pod with slow, endless, huge and broken requests. Output: JSON with the
count of each status, `closed` for no answer, and the number of slow connections still open at the end."""

import json
import os
import socket
import ssl
import threading
import time
from collections import Counter

API, REPORTS, PROBES = 8484, 8485, 8486
SLOW_EACH, SLOW_SECONDS = 60, 7.0
HUGE = 64 << 20
statuses: Counter[str] = Counter()


def connect(port: int) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=8)
    if port != API:
        return plain
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)


def send(port: int, head: bytes, piece: bytes = b"", total: int = 0) -> None:
    """Sends a head, then `piece` until `total` bytes are sent or the other side closes."""
    answer = b""
    try:
        with connect(port) as connection:
            try:
                connection.sendall(head)
                for _ in range(0, total, len(piece) or 1):
                    connection.sendall(piece)
            except OSError:
                pass
            answer = connection.recv(4096)
    except OSError:
        pass
    words = answer.split(maxsplit=2)
    statuses[words[1].decode() if answer.startswith(b"HTTP/1.1 ") else "closed"] += 1


def slowly(port: int, opened: list[socket.socket]) -> None:
    """Opens connections whose request heads never end."""
    for _ in range(SLOW_EACH):
        try:
            connection = connect(port)
            connection.sendall(b"GET /")
            opened.append(connection)
        except OSError:
            statuses["closed"] += 1
    end = time.monotonic() + SLOW_SECONDS
    while time.monotonic() < end:
        for connection in opened:
            try:
                connection.sendall(b"X")
            except OSError:
                continue
        time.sleep(0.5)


def is_open(connection: socket.socket) -> bool:
    """Whether the connection is still open, after reading any answer."""
    connection.settimeout(0.05)
    try:
        while connection.recv(4096):
            pass
        return False
    except TimeoutError:
        return True
    except OSError:
        return False


def everything() -> None:
    for port, path in ((API, "/message"), (REPORTS, "/mcp"), (PROBES, "/healthz")):
        start = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
        piece = b"x" * 65_536
        for _ in range(3):
            send(port, start + b"Content-Length: %d\r\n\r\n" % HUGE, piece, HUGE)
            send(port, start + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + piece + b"\r\n", HUGE)
            send(port, start, b"X-Endless: " + b"y" * 1000 + b"\r\n", HUGE)
            send(port, b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n")
        for _ in range(20):
            send(port, os.urandom(2000) + b"\r\n\r\n")
            send(port, b"\x16\x03\x01" + os.urandom(200))
    long = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 20000\r\n\r\n"
    send(REPORTS, long + b"x" * 20_000)
    send(API, b"GET /messages HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    word = json.dumps({"state": "working", "summary": "flooding"}).encode()
    head = b"POST /report HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(word)
    for _ in range(60):
        send(REPORTS, head + word)


def main() -> None:
    opened: dict[int, list[socket.socket]] = {port: [] for port in (API, REPORTS, PROBES)}
    slow = [threading.Thread(target=slowly, args=arguments) for arguments in opened.items()]
    for thread in slow:
        thread.start()
    for thread in slow:
        thread.join()
    unclosed = sum(is_open(connection) for connections in opened.values() for connection in connections)
    everything()
    print(json.dumps({"statuses": statuses, "unclosed": unclosed}))


main()

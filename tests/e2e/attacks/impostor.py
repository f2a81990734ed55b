"""Run by the agent: takes the sidecar's ports as soon as they are free and impersonates the sidecar, until standard
input ends. Its first line is JSON with `pem`, a certificate and key. Output: a JSON line for each event."""

import json
import os
import socket
import ssl
import sys
import tempfile
import threading
import time

API, PROBES = 8484, 8486
YES = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"ok": true}'
telling = threading.Lock()


def tell(**event: object) -> None:
    with telling:
        print(json.dumps(event), flush=True)


def take(port: int) -> socket.socket:
    while True:
        taken = socket.socket(socket.AF_INET6)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            taken.bind(("::", port))
            taken.listen(64)
            return taken
        except OSError:
            taken.close()
            time.sleep(0.001)


def serve(port: int, tls: ssl.SSLContext | None) -> None:
    with take(port) as listening:
        tell(event="taken", port=port)
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=answer, args=(port, connection, tls), daemon=True).start()


def answer(port: int, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
    """Answers every request with success, and prints what it received."""
    outcome, heard = "", b""
    try:
        connection.settimeout(10)
        if tls is not None:
            outcome = "plain" if connection.recv(1, socket.MSG_PEEK) != b"\x16" else "TLS"
            if outcome == "TLS":
                connection = tls.wrap_socket(connection, server_side=True)
        heard = connection.recv(65_536)
        connection.sendall(YES)
    except OSError as error:
        outcome += f": {error}"
    finally:
        connection.close()
    if port == API:
        tell(event="called", outcome=outcome, heard=heard.decode(errors="replace"))


def main() -> None:
    given = json.loads(sys.stdin.readline())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(given["pem"])
        file.flush()
        tls.load_cert_chain(file.name)
    for port, context in ((API, tls), (PROBES, None)):
        threading.Thread(target=serve, args=(port, context), daemon=True).start()
    tell(event="waiting")
    sys.stdin.read()
    os._exit(0)


main()

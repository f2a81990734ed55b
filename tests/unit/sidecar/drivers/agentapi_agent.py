"""A server of the AgentAPI contract, for the tests: it answers messages, works until a file exists, or ends.

Arguments: the port; `--remember`: it starts with an old conversation; `--race`: it is busy when the first message
arrives, though its status says that it is not; `--type=NAME`: the program
that it has. Messages: `busy` works until the file `go` exists, `die` ends the
server, `refuse` is refused, anything else is answered in capitals.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MESSAGES: list[dict[str, Any]] = []
WORKING = threading.Event()
REFUSALS = 1 if "--race" in sys.argv else 0
AGENT_TYPE = next((word.removeprefix("--type=") for word in sys.argv if word.startswith("--type=")), "goose")
lock = threading.Lock()


def add(role: str, content: str) -> None:
    with lock:
        MESSAGES.append({"id": len(MESSAGES), "role": role, "content": content, "time": "2026-01-01T00:00:00Z"})


def work(content: str) -> None:
    if content == "busy":
        while not Path("go").exists():
            time.sleep(0.02)
    if content == "die":
        print("out of luck", flush=True)
        os._exit(4)
    add("agent", content.upper())
    WORKING.clear()


class Handler(BaseHTTPRequestHandler):
    def answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        if self.path == "/status":
            status = "running" if WORKING.is_set() else "stable"
            self.answer(200, {"status": status, "agent_type": AGENT_TYPE, "transport": "pty"})
        else:
            self.answer(200, {"messages": MESSAGES})

    def do_POST(self) -> None:
        global REFUSALS
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with Path("posted").open("a") as posted:
            posted.write(json.dumps(message) + "\n")
        if message["type"] == "raw":
            self.answer(200, {"ok": True})
        elif message["content"] == "refuse":
            self.answer(422, {"title": "Unprocessable Entity", "detail": "not that"})
        elif WORKING.is_set() or REFUSALS:
            REFUSALS = 0
            cause = "failed to send message: message can only be sent when the agent is waiting for user input"
            self.answer(500, {"detail": "unexpected error occurred", "errors": [{"message": cause}]})
        else:
            WORKING.set()
            add("user", message["content"])
            threading.Thread(target=work, args=(message["content"],), daemon=True).start()
            self.answer(200, {"ok": True})

    def log_message(self, format: str, *arguments: Any) -> None:
        print(format % arguments, flush=True)


if __name__ == "__main__":
    add("agent", "hello, I am here")
    if "--remember" in sys.argv:
        add("user", "long ago")
        add("agent", "LONG AGO")
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

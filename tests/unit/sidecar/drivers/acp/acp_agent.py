"""A scripted agent that speaks the Agent Client Protocol, for the tests. A prompt is a list of commands.

`say TEXT`, `commands A,B`, `think`, `tool NAME`, `plan A,B`, `ask NAME`, `read FILE`, `wait FILE`, `fail`, `die`,
separated by `;`.
Its sessions are files in its home, so that they outlive it. Arguments: `--no-load`, `--resume`, `--login`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

SESSIONS = Path(os.environ["HOME"]) / "sessions"


class Agent:
    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments
        self._writing = threading.Lock()
        self._answers: dict[int, Any] = {}
        self._answered = threading.Condition()
        self._asked = 0
        self._cancelled = threading.Event()
        self._session = ""

    def write(self, **message: Any) -> None:
        with self._writing:
            print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

    def update(self, update: str, **body: Any) -> None:
        told = {"sessionUpdate": update, **body}
        self.write(method="session/update", params={"sessionId": self._session, "update": told})

    def say(self, text: str, kind: str = "agent_message_chunk") -> None:
        self.update(kind, content={"type": "text", "text": text})

    def run(self) -> None:
        print("ready", file=sys.stderr, flush=True)
        for line in sys.stdin:
            if not line.strip():
                continue
            message = json.loads(line)
            with (Path(os.environ["HOME"]) / "received").open("a") as log:
                log.write(line)
            if "method" not in message:
                with self._answered:
                    self._answers[message["id"]] = message.get("result", message.get("error"))
                    self._answered.notify_all()
            elif message["method"] == "session/cancel":
                self._cancelled.set()
            else:
                threading.Thread(target=self.serve, args=(message,), daemon=True).start()

    def serve(self, message: dict[str, Any]) -> None:
        try:
            result = getattr(self, "on_" + message["method"].replace("/", "_"))(message["params"])
        except Exception as error:
            self.write(id=message["id"], error={"code": -32000, "message": str(error)})
        else:
            self.write(id=message["id"], result=result)

    def on_initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        capabilities: dict[str, Any] = {
            "loadSession": "--no-load" not in self._arguments,
            "mcpCapabilities": {"http": True},
        }
        if "--resume" in self._arguments:
            capabilities["sessionCapabilities"] = {"resume": {}}
        return {"protocolVersion": 1, "agentCapabilities": capabilities}

    def on_session_new(self, params: dict[str, Any]) -> dict[str, Any]:
        if "--login" in self._arguments:
            raise PermissionError("Authentication required")
        SESSIONS.mkdir(exist_ok=True)
        self._session = f"session-{len(list(SESSIONS.iterdir())) + 1}"
        (SESSIONS / self._session).touch()
        return {"sessionId": self._session}

    def on_session_load(self, params: dict[str, Any]) -> None:
        self.on_session_resume(params)
        for line in (SESSIONS / self._session).read_text().splitlines():
            self.say(line, "user_message_chunk")
            self.say(f"told again: {line}")

    def on_session_resume(self, params: dict[str, Any]) -> None:
        if not (SESSIONS / params["sessionId"]).exists():
            raise LookupError("no such session")
        self._session = params["sessionId"]

    def on_session_prompt(self, params: dict[str, Any]) -> dict[str, Any]:
        self._cancelled.clear()
        [block] = params["prompt"]
        with (SESSIONS / params["sessionId"]).open("a") as session:
            session.write(block["text"].replace("\n", " ") + "\n")
        for order in block["text"].split(";"):
            word, _, rest = order.strip().partition(" ")
            self.do(word, rest)
            if self._cancelled.is_set():
                return {"stopReason": "cancelled"}
        return {"stopReason": "end_turn"}

    def do(self, word: str, rest: str) -> None:
        match word:
            case "say":
                for piece in rest.split(" "):
                    self.say(piece + " ")
            case "commands":
                self.update(
                    "available_commands_update",
                    availableCommands=[{"name": name, "description": name} for name in rest.split(",")],
                )
            case "think":
                self.say("hm", "agent_thought_chunk")
            case "tool":
                self.update("tool_call", toolCallId=rest, title=rest, kind="edit", status="pending")
                self.update("tool_call_update", toolCallId=rest, status="completed")
            case "plan":
                entries = [{"content": part, "priority": "high", "status": "pending"} for part in rest.split(",")]
                self.update("plan", entries=entries)
                entries[0]["status"] = "completed"
                self.update("plan", entries=entries)
            case "ask":
                self.say(f"got {json.dumps(self.ask(rest))}")
            case "read":
                self.say(
                    json.dumps(self.request("fs/read_text_file", {"sessionId": self._session, "path": rest})["code"])
                )
            case "wait":
                while not Path(rest).exists() and not self._cancelled.is_set():
                    time.sleep(0.02)
            case "fail":
                raise RuntimeError("the model is away")
            case "die":
                print("out of luck", file=sys.stderr, flush=True)
                os._exit(3)

    def ask(self, name: str) -> Any:
        options = [
            {"optionId": "always", "name": "Always allow", "kind": "allow_always"},
            {"optionId": "once", "name": "Allow", "kind": "allow_once"},
            {"optionId": "never", "name": "Reject", "kind": "reject_once"},
        ]
        call = {"toolCallId": name, "title": name}
        params = {"sessionId": self._session, "toolCall": call, "options": options}
        return self.request("session/request_permission", params)["outcome"]

    def request(self, method: str, params: dict[str, Any]) -> Any:
        self._asked += 1
        number = self._asked
        self.write(id=number, method=method, params=params)
        with self._answered:
            self._answered.wait_for(lambda: number in self._answers)
            return self._answers[number]


if __name__ == "__main__":
    Agent(sys.argv[1:]).run()

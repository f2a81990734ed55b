"""A language model that follows a script, behind the HTTP interfaces that real agents use. Only the standard library,
so it also runs as a container beside an agent: `python3 modelserver.py [--port 8080]`.

It keeps no state between requests: like a real model, it derives the answer from the conversation that the agent sends.
Its actions when the user's last message contains these words:

    write NAME saying TEXT      asks for a tool that writes the file; once that has run, says that it is done
    first question              quotes the first message of the conversation: shows whether a session was resumed
    recite                      answers in several paragraphs with a list and code
    count NUMBER                answers with that many numbered lines
    explain                     answers in a paragraph that is wider than the screen
    quote                       answers with a quotation of a numbered list
    think SECONDS               takes its time, then answers
    fail                        answers with an HTTP error
    (anything else)             quotes it
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

Json = dict[str, Any]
Events = Iterator[tuple[str, Json]]

# Names of the agents' tools that run a command, and the arguments of each.
SHELLS: dict[str, Any] = {
    "Bash": lambda line: {"command": line, "description": "Write the file"},
    "bash": lambda line: {"command": line, "description": "Write the file"},
    "run_shell_command": lambda line: {"command": line, "description": "Write the file"},
    "exec_command": lambda line: {"cmd": line},
    "shell_command": lambda line: {"command": line},
    "shell": lambda line: {"command": ["bash", "-lc", line]},
    # This tool expects a JavaScript program, not JSON.
    "exec": lambda line: f"text(await tools.exec_command({json.dumps({'cmd': line})}))",
}
RECITAL = """Here is what I found.

The build has three steps:

1. compile
2. link
3. test

```python
def answer():
    return 42
```

That is all."""
EXPLANATION = (
    "Two things are to be said. The first one is that the cache was never emptied, which explains why the numbers of "
    "the second run were those of the first. The last sentence of this answer is longer than a row of the screen, so "
    "that a program must wrap it."
)
QUOTATION = "Which of these do you mean?\n\n> 1. First\n> 2. Second"
# Text that agents add to a message of the user.
REMINDER = re.compile(
    r"<(system-reminder|environment_context|session_context)>.*?</\1>|# \*SEARCH/REPLACE block\* Rules:.*"
    r"|\A(I am not sharing any files|Here are summaries of some files|I have \*added these files|Don't try and edit).*",
    re.DOTALL,
)
PIECE = 12


@dataclass(frozen=True)
class Asked:
    """A request, independent of the interface: the user's messages, whether a tool's result came last, the tools, and
    the JSON schema of the answer if it must be JSON.
    """

    said: tuple[str, ...]
    after_tool: bool
    tools: frozenset[str]
    system: str = ""
    schema: Json | None = None


@dataclass(frozen=True)
class Answer:
    text: str
    tool: str = ""
    arguments: Json | str | None = None
    seconds: float = 0.0
    status: int = 200


def answer(asked: Asked) -> Answer:
    """The script's answer to a conversation."""
    if asked.schema is not None:
        return Answer(json.dumps(least(asked.schema)))
    last = asked.said[-1] if asked.said else ""
    if write := re.search(r"write (\S+) saying ([^\n.]+)", last):
        name, text = write.groups()
        shell = next((tool for tool in SHELLS if tool in asked.tools), "")
        if asked.after_tool:
            return Answer(f"I wrote {name}.")
        if shell:
            return Answer(f"I will write {name}.", shell, SHELLS[shell](f"echo '{text}' > {name}"))
        block = f"{name}\n```\n<<<<<<< SEARCH\n=======\n{text}\n>>>>>>> REPLACE\n```"
        return Answer(f"I wrote {name}.\n\n{block}" if "SEARCH/REPLACE" in asked.system else f"I cannot write {name}.")
    if "first question" in last:
        return Answer(f"You first asked: {asked.said[0]}")
    if "recite" in last:
        return Answer(RECITAL)
    if count := re.fullmatch(r"count (\d+)", last.strip()):
        return Answer("\n".join(f"{number}. line of the count" for number in range(1, int(count.group(1)) + 1)))
    if last.strip() == "explain":
        return Answer(EXPLANATION)
    if last.strip() == "quote":
        return Answer(QUOTATION)
    if think := re.search(r"think (\d+)", last):
        return Answer("I have thought about it.", seconds=float(think.group(1)))
    if last.strip() == "fail":
        return Answer("the script says so", status=400)
    return Answer(f"You said: {last}")


def least(schema: Json) -> Any:
    """The smallest value that matches this schema."""
    if choices := schema.get("enum"):
        return choices[0]
    match str(schema.get("type")).lower():
        case "object":
            return {name: least(one) for name, one in schema.get("properties", {}).items()}
        case "array":
            return []
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    return "none"


def text_of(content: Any) -> str:
    """The text in a message's content, which is a string or a list of blocks."""
    blocks = content if isinstance(content, list) else [{"text": content}]
    texts = [block.get("text") for block in blocks if isinstance(block, dict)]
    return REMINDER.sub("", "\n".join(text for text in texts if isinstance(text, str))).strip()


def new_id(kind: str) -> str:
    """A new id; agents distinguish messages and calls by their ids."""
    return f"{kind}_{uuid.uuid4().hex}"


def pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]


class Messages:
    """Anthropic's Messages: Claude Code."""

    path = re.compile(r"/v1/messages$")

    @staticmethod
    def read(body: Json) -> Asked:
        messages = [message for message in body["messages"] if message["role"] == "user"]
        content = messages[-1]["content"] if messages else ""
        after_tool = isinstance(content, list) and any(block.get("type") == "tool_result" for block in content)
        said = tuple(text for message in messages if (text := text_of(message["content"])))
        return Asked(said, after_tool, frozenset(tool.get("name", "") for tool in body.get("tools") or ()))

    @staticmethod
    def events(said: Answer) -> Events:
        message = Messages.whole(said) | {"content": [], "stop_reason": None}
        yield "message_start", {"message": message}
        texts = [{"type": "text_delta", "text": piece} for piece in pieces(said.text)]
        blocks: list[tuple[Json, list[Json]]] = [({"type": "text", "text": ""}, texts)]
        if said.tool:
            block = {"type": "tool_use", "id": new_id("toolu"), "name": said.tool, "input": {}}
            blocks.append((block, [{"type": "input_json_delta", "partial_json": json.dumps(said.arguments)}]))
        for index, (block, deltas) in enumerate(blocks):
            yield "content_block_start", {"index": index, "content_block": block}
            for delta in deltas:
                yield "content_block_delta", {"index": index, "delta": delta}
            yield "content_block_stop", {"index": index}
        delta = {"stop_reason": "tool_use" if said.tool else "end_turn", "stop_sequence": None}
        yield "message_delta", {"delta": delta, "usage": {"output_tokens": 20}}
        yield "message_stop", {}

    @staticmethod
    def whole(said: Answer) -> Json:
        content: list[Json] = [{"type": "text", "text": said.text}]
        if said.tool:
            content.append({"type": "tool_use", "id": new_id("toolu"), "name": said.tool, "input": said.arguments})
        return {
            "id": new_id("msg"),
            "type": "message",
            "role": "assistant",
            "model": "scripted",
            "content": content,
            "stop_reason": "tool_use" if said.tool else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 20},
        }


class Completions:
    """OpenAI's chat completions: OpenCode, aider."""

    path = re.compile(r"/chat/completions$")

    @staticmethod
    def read(body: Json) -> Asked:
        messages = body["messages"]
        said = tuple(text for one in messages if one["role"] == "user" and (text := text_of(one["content"])))
        tools = frozenset(tool.get("function", {}).get("name", "") for tool in body.get("tools") or ())
        system = "\n".join(text_of(message["content"]) for message in messages if message["role"] == "system")
        return Asked(said, bool(messages) and messages[-1]["role"] == "tool", tools, system)

    @staticmethod
    def events(said: Answer) -> Events:
        head = Completions._head("chat.completion.chunk")

        def chunk(delta: Json, reason: str | None = None) -> tuple[str, Json]:
            return "", head | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

        for piece in pieces(said.text):
            yield chunk({"role": "assistant", "content": piece})
        if said.tool:
            yield chunk({"tool_calls": [{"index": 0, **Completions._call(said)}]})
        yield chunk({}, "tool_calls" if said.tool else "stop")

    @staticmethod
    def whole(said: Answer) -> Json:
        message: Json = {"role": "assistant", "content": said.text}
        if said.tool:
            message["tool_calls"] = [Completions._call(said)]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if said.tool else "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
        return Completions._head("chat.completion") | {"choices": [choice], "usage": usage}

    @staticmethod
    def _call(said: Answer) -> Json:
        function = {"name": said.tool, "arguments": json.dumps(said.arguments)}
        return {"id": new_id("call"), "type": "function", "function": function}

    @staticmethod
    def _head(kind: str) -> Json:
        return {"id": new_id("chat"), "object": kind, "created": int(time.time()), "model": "scripted"}


class Responses:
    """OpenAI's responses: Codex."""

    path = re.compile(r"/responses$")

    @staticmethod
    def read(body: Json) -> Asked:
        items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
        said = tuple(text for item in items if item.get("role") == "user" and (text := text_of(item["content"])))
        after_tool = bool(items) and items[-1].get("type") in ("function_call_output", "custom_tool_call_output")
        tools = [*(body.get("tools") or ()), *(tool for item in items for tool in item.get("tools") or ())]
        names = {tool.get("name", "") for one in tools for tool in one.get("tools") or (one,)}
        return Asked(said, after_tool, frozenset(names))

    @staticmethod
    def events(said: Answer) -> Events:
        whole = Responses.whole(said)
        yield "response.created", {"response": whole | {"output": [], "status": "in_progress"}}
        for index, item in enumerate(whole["output"]):
            started = item | {"content": []} if item["type"] == "message" else item
            yield "response.output_item.added", {"output_index": index, "item": started}
            for piece in pieces(said.text) if item["type"] == "message" else ():
                place = {"item_id": item["id"], "output_index": index, "content_index": 0}
                yield "response.output_text.delta", place | {"delta": piece}
            yield "response.output_item.done", {"output_index": index, "item": item}
        yield "response.completed", {"response": whole}

    @staticmethod
    def whole(said: Answer) -> Json:
        content = [{"type": "output_text", "text": said.text, "annotations": []}]
        output: list[Json] = [{"id": new_id("msg"), "type": "message", "role": "assistant", "content": content}]
        if said.tool:
            call = {"id": new_id("fc"), "call_id": new_id("call"), "name": said.tool}
            if isinstance(said.arguments, str):
                output.append(call | {"type": "custom_tool_call", "input": said.arguments})
            else:
                output.append(call | {"type": "function_call", "arguments": json.dumps(said.arguments)})
        usage = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}
        return {"id": new_id("resp"), "object": "response", "status": "completed", "output": output, "usage": usage}


class Gemini:
    """Google's generateContent: Gemini CLI."""

    path = re.compile(r":(stream)?[gG]enerateContent$")

    @staticmethod
    def read(body: Json) -> Asked:
        contents = [content for content in body["contents"] if content.get("role") != "model"]
        said = tuple(text for content in contents if (text := text_of(content["parts"])))
        after_tool = bool(contents) and any("functionResponse" in part for part in contents[-1]["parts"])
        declared = [tool.get("functionDeclarations") or [] for tool in body.get("tools") or ()]
        wanted = body.get("generationConfig") or {}
        schema = wanted.get("responseJsonSchema") or wanted.get("responseSchema")
        return Asked(said, after_tool, frozenset(one["name"] for some in declared for one in some), schema=schema)

    @staticmethod
    def events(said: Answer) -> Events:
        for piece in pieces(said.text):
            yield "", {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": piece}]}}]}
        yield "", Gemini.whole(Answer("", said.tool, said.arguments))

    @staticmethod
    def whole(said: Answer) -> Json:
        parts: list[Json] = [{"text": said.text}] if said.text or not said.tool else []
        if said.tool:
            parts.append({"functionCall": {"name": said.tool, "args": said.arguments}})
        usage = {"promptTokenCount": 10, "candidatesTokenCount": 20, "totalTokenCount": 30}
        candidate = {"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
        return {"candidates": [candidate], "usageMetadata": usage}


INTERFACES = (Messages, Completions, Responses, Gemini)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "scripted-model"
    quiet: ClassVar[bool] = False

    def do_GET(self) -> None:
        self._json(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        path = self.path.partition("?")[0]
        interface = next((one for one in INTERFACES if one.path.search(path)), None)
        if interface is None:
            self._json(200, {"input_tokens": 10})  # token counting, feature flags and the like
            return
        said = answer(interface.read(body))
        time.sleep(said.seconds)
        if said.status != 200:
            error = {"type": "invalid_request_error", "code": said.status, "message": said.text}
            self._json(said.status, {"type": "error", "error": error})
        elif body.get("stream") or path.endswith("streamGenerateContent"):
            self._stream(interface.events(said))
        else:
            self._json(200, interface.whole(said))

    def _stream(self, events: Events) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for name, data in events:
            head = f"event: {name}\n" if name else ""
            body = {"type": name, **data} if name else data
            self.wfile.write(f"{head}data: {json.dumps(body)}\n\n".encode())
            self.wfile.flush()
            time.sleep(0.01)
        if not name:
            self.wfile.write(b"data: [DONE]\n\n" if "object" in body else b"")
        self.close_connection = True

    def _json(self, status: int, value: Json) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        if not self.quiet:
            print(format % arguments, file=sys.stderr, flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A scripted language model on loopback.")
    parser.add_argument("--port", type=int, default=8080)
    # As the first process of a container it would ignore SIGTERM without a handler.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    Server(parser.parse_args().port).serve_forever()

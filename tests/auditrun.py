"""What the tests of this process say to gateways and store in the cluster, and the audit lines of these gateways.

The clients of the tests note what they send; at the end of each test module all lines that the gateways have written
since are searched for any of it.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from auditsearch import BEGIN, Secrets, faults

# Members whose values are somebody's words, wherever they are in a document.
_WORDS = ("prompt", "content", "input")
_TOKEN_PARAMETERS = ("token", "coder_session_token")


class AuditRun:
    """The secrets of a run, and the logs to search. Nothing is noted unless it is `searching`: what only measures takes
    no time for this."""

    def __init__(self) -> None:
        self.secrets = Secrets()
        # The verbs and outcomes of all lines.
        self.acts: Counter[tuple[str, str]] = Counter()
        self._searches = False
        self._logs: dict[Path, int] = {}

    @contextlib.contextmanager
    def searching(self) -> Iterator[None]:
        """At the end all logs are searched for the last time. Raises AssertionError for what is wrong with a line."""
        before, self._searches = self._searches, True
        try:
            yield
            self.search()
        finally:
            self._searches = before

    def watch(self, log: Path) -> None:
        """A gateway writes its output to this file."""
        self._logs.setdefault(log, 0)

    def search(self) -> None:
        """Search what has been written since the last time. Raises AssertionError."""
        wrong = [fault for log in self._logs for fault in self.faults(self._new_lines(log))]
        assert not wrong, "\n".join(wrong)

    def faults(self, lines: list[str]) -> list[str]:
        """What is wrong with lines of a gateway's output."""
        found = faults(lines, self.secrets)
        if not found:
            told = [json.loads(line) for line in lines if line.startswith(BEGIN)]
            self.acts.update((line["verb"], line["outcome"]) for line in told)
        return found

    def note(self, *texts: str) -> None:
        """Texts that no line may have."""
        if self._searches:
            for text in texts:
                self.secrets.add(text)

    def note_token(self, token: str) -> None:
        """A token; a sidecar's begins with names, which lines may have."""
        self.note(token.rpartition("/")[2])

    def note_document(self, document: Any) -> None:
        """Words in a body or a manifest, and the values of a Secret."""
        if not self._searches:
            return
        match document:
            case {"kind": "Secret"}:
                self._note_secret(document)
            case {"role": str(), "message": message}:
                # As in the stream of a sidecar. Elsewhere a message is Taskyard's own.
                self.secrets.add_all(message)
            case dict():
                for name, part in document.items():
                    if name in _WORDS:
                        self.secrets.add_all(part)
                    else:
                        self.note_document(part)
            case list():
                for part in document:
                    self.note_document(part)
            case str() if document.startswith("{"):
                # A document as a text, such as a snapshot in a ConfigMap.
                with contextlib.suppress(ValueError):
                    self.note_document(json.loads(document))

    def note_manifests(self, text: str) -> None:
        """Manifests as kubectl is given them, in YAML or JSON."""
        if self._searches and text:
            with contextlib.suppress(yaml.YAMLError):
                for document in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                    self.note_document(document)

    def hooks(self) -> dict[str, list[Any]]:
        """For `event_hooks` of an httpx client: notes the tokens, the words and the Secrets of its requests, and the
        tokens and keys that are handed out."""
        return {"request": [self._note_request], "response": [self._note_answer]}

    def _note_request(self, request: httpx.Request) -> None:
        if not self._searches:
            return
        headers = request.headers
        self.note_token(headers.get("authorization", "").removeprefix("Bearer "))
        self.note_token(headers.get("coder-session-token", ""))
        for cookie in headers.get("cookie", "").split(";"):
            self.note_token(cookie.partition("=")[2])
        for name, value in request.url.params.multi_items():
            if name in _TOKEN_PARAMETERS:
                self.note_token(value)
        try:
            content = request.content
        except httpx.RequestNotRead:
            return
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            self.note(content.decode(errors="replace"))
            return
        if request.url.path.endswith("/secrets") and isinstance(document, dict):
            self._note_secret(document)
        elif isinstance(document, str):
            self.note(document)
        else:
            self.note_document(document)

    def _note_answer(self, answer: httpx.Response) -> None:
        """Of a TokenRequest, and of an enrolment."""
        path = answer.request.url.path
        if self._searches and answer.is_success and path.endswith(("/token", "/enroll")):
            answer.read()
            handed_out = answer.json()
            self.note_token(handed_out.get("status", handed_out).get("token", ""))
            self.note(*(handed_out.get(name, "") for name in ("key", "privateKey")))
            self.note_document(handed_out)

    def _note_secret(self, manifest: Mapping[str, Any]) -> None:
        self.secrets.add_all(manifest.get("stringData"))
        for value in (manifest.get("data") or {}).values():
            self.secrets.add_all(value)
            with contextlib.suppress(ValueError):
                self.note(base64.b64decode(value).decode(errors="replace"))

    def _new_lines(self, log: Path) -> list[str]:
        """Whole lines since the last time."""
        if not log.exists():
            return []
        with log.open("rb") as file:
            file.seek(self._logs[log])
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._logs[log] += len(whole)
        return whole.decode(errors="replace").splitlines()


RUN = AuditRun()

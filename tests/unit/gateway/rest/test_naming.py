"""The model that names Tasks, and the fallback when it fails."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from taskyard.core.tasknames import Names
from taskyard.gateway.rest import naming
from taskyard.gateway.rest.naming import Model, Naming

ANTHROPIC = Model(url="https://models.test/v1/messages", name="small", key="s3cret")
OPENAI = Model(url="https://models.test/v1/chat/completions", name="small", key="s3cret")
ANSWER = json.dumps({"task_name": "fix-login", "display_name": "Fix the login"})
GIVEN = Names("fix-login", "Fix the login")
FROM_PROMPT = Names("mend-the-door", "Mend the door")


def replying(body: Any, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, json=body)


async def names(model: Model | None, handler: Callable[[httpx.Request], Any], prompt: str = "mend the door") -> Names:
    namer = Naming(model, transport=httpx.MockTransport(handler))
    try:
        return await namer.names(prompt)
    finally:
        await namer.close()


@pytest.mark.parametrize(
    ("model", "body"),
    [
        pytest.param(ANTHROPIC, {"content": [{"type": "text", "text": ANSWER}]}, id="Anthropic's form"),
        pytest.param(OPENAI, {"choices": [{"message": {"content": ANSWER}}]}, id="OpenAI's form"),
    ],
)
async def test_the_models_names_are_taken(model: Model, body: Any) -> None:
    """4-model."""
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=body)

    assert await names(model, handler) == GIVEN
    sent = json.loads(asked[0].content)
    assert (sent["model"], sent["max_tokens"]) == ("small", 100)
    assert sent["messages"][-1] == {"role": "user", "content": "mend the door"}
    assert "s3cret" in (asked[0].headers.get("x-api-key", "") + asked[0].headers.get("authorization", ""))


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(replying({}, 500), id="it fails"),
        pytest.param(replying({"content": []}), id="it says nothing"),
        pytest.param(replying({"content": "text"}), id="another form"),
        pytest.param(replying([]), id="no object"),
        pytest.param(replying({"content": [{"text": "Sure! Here it is"}]}), id="no JSON"),
        pytest.param(lambda request: httpx.Response(200, content=b"<html>"), id="no JSON at all"),
    ],
)
async def test_without_a_usable_answer_the_prompts_words_are_taken(
    handler: Callable[[httpx.Request], httpx.Response],
) -> None:
    """4-model."""
    assert await names(ANTHROPIC, handler) == FROM_PROMPT


async def test_a_model_that_is_away_or_slow_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """4-timely."""
    monkeypatch.setattr(naming, "TIMEOUT_SECONDS", 0.05)

    async def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5)
        return httpx.Response(200)

    assert await names(ANTHROPIC, away) == FROM_PROMPT
    assert await names(ANTHROPIC, slow) == FROM_PROMPT


async def test_an_empty_prompt_is_named_by_chance_without_asking() -> None:
    """4-random."""
    found = await names(ANTHROPIC, lambda request: pytest.fail("it was asked"), prompt=" ")
    assert re.fullmatch("[a-z]+-[a-z]+", found.stem)


def test_the_key_is_in_no_text() -> None:
    assert "s3cret" not in repr(ANTHROPIC)

"""Names for Tasks that are created without one: the I/O and the randomness around core.tasknames."""

import asyncio
import logging
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

from taskyard.core import tasknames
from taskyard.core.tasknames import MAX_STEM_CHARACTERS, Names
from taskyard.limits import MAX_DISPLAY_NAME_CHARACTERS

TIMEOUT_SECONDS = 3.0
_MAX_TOKENS = 100
_ANSWER_BYTES = 65_536
_PROMPT_CHARACTERS = 4000
_VERSION = "2023-06-01"
_INSTRUCTION = (
    "Name the task that the user describes. Answer with one JSON object and nothing else: "
    f'{{"display_name": a title of at most {MAX_DISPLAY_NAME_CHARACTERS} characters, "task_name": at most '
    f"{MAX_STEM_CHARACTERS} characters, lower-case letters, digits and single hyphens}}."
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Model:
    """A language model behind a URL that ends with /messages (Anthropic's form) or /chat/completions (OpenAI's)."""

    url: str
    name: str
    key: str = field(default="", repr=False)

    @property
    def is_anthropic(self) -> bool:
        return httpx.URL(self.url).path.rstrip("/").endswith("/messages")


class Naming:
    """Names Tasks by the model, if there is one and it answers within three seconds, else by the prompt's words, else
    at random."""

    def __init__(self, model: Model | None, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._model = model
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, transport=transport) if model else None

    async def close(self) -> None:
        """Close the connections."""
        if self._client:
            await self._client.aclose()

    async def names(self, prompt: str) -> Names:
        """A stem and a title for a prompt. Never fails."""
        return (
            await self._from_model(prompt)
            or tasknames.from_prompt(prompt)
            or tasknames.by_chance(secrets.randbits(32), prompt=prompt)
        )

    async def _from_model(self, prompt: str) -> Names | None:
        if self._model is None or self._client is None or not prompt.strip():
            return None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return tasknames.from_model(await self._ask(self._client, self._model, prompt[:_PROMPT_CHARACTERS]))
        except (httpx.HTTPError, TimeoutError, LookupError, TypeError, ValueError) as error:
            logger.debug("no name from the model: %s", type(error).__name__)
            return None

    async def _ask(self, client: httpx.AsyncClient, model: Model, prompt: str) -> str:
        body: dict[str, Any] = {"model": model.name, "max_tokens": _MAX_TOKENS}
        user = {"role": "user", "content": prompt}
        if model.is_anthropic:
            headers = {"x-api-key": model.key, "anthropic-version": _VERSION}
            body |= {"system": _INSTRUCTION, "messages": [user]}
        else:
            headers = {"Authorization": f"Bearer {model.key}"} if model.key else {}
            body |= {"messages": [{"role": "system", "content": _INSTRUCTION}, user]}
        response = await client.post(model.url, json=body, headers=headers)
        response.raise_for_status()
        if len(response.content) > _ANSWER_BYTES:
            raise ValueError("the answer is too long")
        answer = response.json()
        text = answer["content"][0]["text"] if model.is_anthropic else answer["choices"][0]["message"]["content"]
        return str(text)


def digits() -> str:
    """Four random hexadecimal digits."""
    return secrets.token_hex(2)

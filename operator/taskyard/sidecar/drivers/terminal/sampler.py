"""Decides when the screen is looked at: soon after output, seldom enough for a program that writes endlessly."""

import asyncio
from typing import Protocol

SAMPLE = 0.05
SAMPLE_WHILE_TYPING = 0.005
SAMPLE_SHARE = 5
# For each message, this many samples of the screen are taken as soon as there is output: the echo and reaction of most
# programs are noticed without delay, and a program that writes endlessly still costs no more than its share.
PROMPT_SAMPLES = 40
# Seconds: a taskyard-init that never finishes a frame holds a message up for no longer.
UNSEEN = 30.0


class Watched(Protocol):
    @property
    def typing(self) -> bool: ...

    @property
    def replaying(self) -> bool:
        """Whether output that was seen before is still to come: it is not looked at."""

    @property
    def drained(self) -> bool:
        """Whether all that taskyard-init has sent was fed to the terminal."""

    def sample(self) -> None:
        """Looks at the screen."""

    def settle(self) -> None:
        """Called when nothing came for as long as `rest_left` said."""

    def rest_left(self) -> float | None:
        """Seconds until a screen that does not change has a meaning; None: it has none however long that lasts."""


class Sampler:
    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._fed = asyncio.Event()
        self._sampled: asyncio.Future[None] | None = None
        self._prompt_samples = 0

    @property
    def all_seen(self) -> bool:
        """Whether all output has been sampled. Unread output is not silence, however late this process is."""
        return self._watched.drained and not self._fed.is_set()

    def wake(self) -> None:
        """Something has changed: there is output, or another reason to look."""
        self._fed.set()

    def output(self) -> None:
        """There was output; while a message is typed, its first pieces are looked at without delay."""
        if self._watched.typing and self._prompt_samples > 0:
            self._prompt_samples -= 1
            self._sample()
        else:
            self._fed.set()

    def expect_reaction(self) -> None:
        """A message is about to be typed."""
        self._prompt_samples = PROMPT_SAMPLES

    async def run(self) -> None:
        """Samples the screen whenever there is output, and notices when nothing changes any more."""
        while True:
            left = self._watched.rest_left()
            try:
                async with asyncio.timeout(left if left is None or self.all_seen else max(left, SAMPLE)):
                    await self._fed.wait()
            except TimeoutError:
                if self.all_seen:
                    self._watched.settle()
                continue
            self._fed.clear()
            if self._watched.replaying:
                continue
            began = _now()
            self._sample()
            # A large screen that a program draws over and over must not take more than its share of the core.
            rest = SAMPLE_WHILE_TYPING if self._watched.typing else SAMPLE
            await asyncio.sleep(max(rest, SAMPLE_SHARE * (_now() - began)))

    def _sample(self) -> None:
        self._watched.sample()
        if self._sampled is not None and not self._sampled.done():
            self._sampled.set_result(None)

    async def next_sample(self, patience: float) -> bool:
        """Waits for a sample after new output. False: there was none for `patience` seconds."""
        self._sampled = asyncio.get_running_loop().create_future()
        given_up_at = _now() + patience + UNSEEN
        while not self._sampled.done():
            done, _ = await asyncio.wait([self._sampled], timeout=patience)
            if not done and (self.all_seen or _now() >= given_up_at):
                return False
            patience = SAMPLE
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()

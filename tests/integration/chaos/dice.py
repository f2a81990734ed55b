"""All chance of a run, from its seed: what happens to one thing does not depend on when other things happen."""

from __future__ import annotations

import random


class Dice:
    """A source of sources: each thing of a run (a request, a Pod, a Task) has dice of its own, the same in every run.

    Processes and threads interleave differently each time, so a run is repeated in what is done, not to the last
    millisecond of when.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def of(self, *words: object) -> random.Random:
        """The dice of the thing that `words` name."""
        return random.Random(" ".join(map(str, (self.seed, *words))))

"""All randomness of a run, from its seed: what happens to one thing does not depend on the timing of others."""

from __future__ import annotations

import random


class Dice:
    """Gives each thing of a run (a request, a Pod, a Task) its own random generator, the same in every run of the seed.

    Processes and threads interleave differently each time, so a run repeats the actions, but not their exact times.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def of(self, *words: object) -> random.Random:
        """The random generator of the thing that `words` name."""
        return random.Random(" ".join(map(str, (self.seed, *words))))

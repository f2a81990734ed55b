"""When Tasks arrive in an open loop."""

import itertools
import statistics

from bench.arrivals import moments


def test_the_same_seed_gives_the_same_moments() -> None:
    assert moments(10, 10, seed=1) == moments(10, 10, seed=1) != moments(10, 10, seed=2)


def test_moments_ascend_within_the_window() -> None:
    found = moments(50, 10, seed=3)
    assert found == sorted(found) and found[0] > 0 and found[-1] < 10


def test_there_are_as_many_as_the_rate_says_and_their_distances_vary_like_a_poisson_process() -> None:
    found = moments(50, 200, seed=4)
    assert abs(len(found) - 10_000) < 300
    gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert 0.9 < statistics.stdev(gaps) / statistics.mean(gaps) < 1.1

"""What the parts of the gateway share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from taskyard.core.security.keyring import Keyring
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.metrics import Metrics
from taskyard.gateway.review_limit import ReviewLimit


@dataclass
class Context:
    """The cluster, the current keys (replaced when the Secret changes), the limit of reviews, the metrics, and the
    clocks.

    `now` is the wall clock (UTC), `monotonic` counts seconds.
    """

    cluster: Cluster
    keyring: Keyring
    reviews: ReviewLimit
    metrics: Metrics
    now: Callable[[], datetime]
    monotonic: Callable[[], float]

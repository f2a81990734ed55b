"""An agent's status in the AgentAPI contract."""

import enum


class Status(enum.StrEnum):
    """`stable`: the agent waits for input. Everything else is `running`."""

    RUNNING = "running"
    STABLE = "stable"

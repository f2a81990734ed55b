"""What the AgentAPI contract says of an agent."""

import enum


class Status(enum.StrEnum):
    """`stable`: the agent waits for input. Everything else is `running`."""

    RUNNING = "running"
    STABLE = "stable"

"""One driver for each way of driving an agent (`base.Driver`): terminal, ACP, one command, the image's own AgentAPI."""

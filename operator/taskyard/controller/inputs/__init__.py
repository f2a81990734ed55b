"""TaskInputs: their delivery to agents, and how many of them may wait."""

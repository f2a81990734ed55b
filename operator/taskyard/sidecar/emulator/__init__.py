"""The agent's terminal: bytes in, lines out. Pure."""

"""The agent's terminal: bytes in, lines and answers out. Pure."""

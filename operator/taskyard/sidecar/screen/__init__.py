"""Reads what the agent's terminal shows: answers, questions, input boxes. Pure."""

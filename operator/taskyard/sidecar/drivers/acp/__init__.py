"""Drives agents that speak the Agent Client Protocol: `driver` is the way in."""

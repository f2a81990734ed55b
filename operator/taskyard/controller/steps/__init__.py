"""Writes what was decided: one step at a time, with the objects that a Task owns, its builds and its network policy."""

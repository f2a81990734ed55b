"""Checks of Templates and their versions, whose results go into their status."""

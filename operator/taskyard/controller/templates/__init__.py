"""Checks of Templates and their versions, told in their status."""

"""Taskyard: AI coding agents as Kubernetes objects."""

__version__ = "0.1.0"

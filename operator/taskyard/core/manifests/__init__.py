"""Manifests that Taskyard creates for a Task: Pod, claim, build, NetworkPolicy. One small builder for each part."""

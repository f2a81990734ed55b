"""The sidecar's ports: the AgentAPI contract (8484), the agent's own reports (8485), the kubelet's probes (8486)."""

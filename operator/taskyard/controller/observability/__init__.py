"""Events, metrics and probes: how others observe the operator."""

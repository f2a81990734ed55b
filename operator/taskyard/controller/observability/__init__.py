"""Events, metrics and probes: what others see of the operator."""

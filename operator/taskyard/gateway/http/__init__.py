"""HTTP for every listener of the gateway: bounded bodies, errors in one form, probes, an orderly shutdown."""

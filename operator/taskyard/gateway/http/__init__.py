"""What every listener of the gateway needs of HTTP: bounded bodies, errors in one form, probes, an orderly end."""

"""Measures real processes on this machine and compares the figures with their goals: `make bench SCENARIO=…`.

A scenario is a module with `run(folder, say)`, which returns its Figures and takes at most three minutes; `figures` and
`machine` are pure. Nothing here is a test: figures are specific to a machine, so no CI run depends on them.
"""

"""Figures of real processes on this machine, beside the goals that they are held against: `make bench SCENARIO=…`.

A scenario is a module with `run(folder, say)`, which gives its Figures and takes three minutes at most; `figures` and
`machine` are pure. Nothing here is a test: a figure holds for one machine, so no CI run depends on one.
"""

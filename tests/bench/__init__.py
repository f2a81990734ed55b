"""Measures real processes on this machine and compares the figures with their goals: `make bench SCENARIO=…`.

A scenario is a module with `run(folder, say)`, which returns its Figures and takes less than five minutes; all together
take less than twenty. `figures`, `results`, `requestcounts` and `specimen` are pure, but for the files of `results`.
Nothing here is a test: figures are specific to a machine, so no CI run depends on them. What cannot be compared from
day to day is therefore measured as a ratio, beside something else of the same minutes.
"""

"""docs/compatibility.md: each row of the contract of the Tasks REST API, and the tests that hold it.

`rows` lists the rows, in this project's own words; `tests` finds the tests that name a row, in a case's id or in the
docstring; `page` combines both. A row without a test, a test that names an unknown row, and a row whose tests are all
skipped or expected to fail are errors: so the page is true as long as `make test` passes.

`python -m compatibility FILE` writes the page; with `--check` it only checks whether it is up to date.
"""

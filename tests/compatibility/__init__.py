"""docs/compatibility.md: each row of the contract of the Tasks REST API, and the tests that hold it.

`rows` names the rows, in this project's own words; `tests` finds in the tests' sources which of them name a row, in the
id of a case or in the docstring; `page` puts both together. A row without a test, a test that names no row that there
is, and a row whose tests are all skipped or expected to fail are errors: so the page says what passes, as long as
`make test` does.

`python -m compatibility FILE` writes the page, with `--check` it only looks whether it is up to date.
"""

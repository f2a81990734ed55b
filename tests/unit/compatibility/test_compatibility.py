"""docs/compatibility.md: the tests of a row are found in their sources, and mismatches are reported."""

import pytest

from compatibility.__main__ import current
from compatibility.page import PageError, page
from compatibility.rows import SECTIONS, Row, Section
from compatibility.tests import Naming, namings
from localcluster.locations import REPOSITORY

SOURCE = '''
import pytest

TABLE = [pytest.param(1, id="2.6-pending"), pytest.param(2, id="2.6-paused resumes")]


def test_by_its_docstring() -> None:
    """2.1-4, 2-nf: and it comes first; 12.1-4, 2.1-4-x and v2.1-6 are no rows."""


@pytest.mark.parametrize("text", [pytest.param("", id="2.5-empty"), pytest.param(" ", id="no row")])
async def test_by_a_case(text: str) -> None:
    pass


@pytest.mark.parametrize("number", TABLE)
def test_by_a_table(number: int) -> None:
    pass


@pytest.mark.skip(reason="not now")
def test_that_is_skipped() -> None:
    """2.3-get."""


@pytest.mark.parametrize("text", [pytest.param("", id="2.7-live", marks=pytest.mark.xfail)])
def test_with_a_case_that_fails(text: str) -> None:
    pass


def helper() -> None:
    """2.8-build is named by a test or not at all."""
'''


def test_rows_are_named_in_docstrings_and_in_the_ids_of_cases() -> None:
    assert sorted(namings(SOURCE), key=lambda naming: (naming.test, naming.row)) == [
        Naming("2.5-empty", "test_by_a_case", True),
        Naming("2.6-paused", "test_by_a_table", True),
        Naming("2.6-pending", "test_by_a_table", True),
        Naming("2-nf", "test_by_its_docstring", True),
        Naming("2.1-4", "test_by_its_docstring", True),
        Naming("2.3-get", "test_that_is_skipped", False),
        Naming("2.7-live", "test_with_a_case_that_fails", False),
    ]


ROWS = (Section("1. Things", (Row("1-a", "It is so."), Row("1-b", "It was so.", absent="nothing is"))),)


def test_a_row_shows_its_verdict_and_its_tests() -> None:
    found = {"tests/test_x.py": [Naming("1-a", "test_it", True)], "tests/test_y.py": []}
    text = page(ROWS, found)
    assert "1-a" not in text and "1-b" not in text  # readers have no list of them
    assert "| It is so. | passes | [test_x.py](../tests/test_x.py): `test_it` |\n" in text
    assert "| It was so. Here: nothing is. | absent |  |\n" in text
    assert "Of 2 rows: 1 passes, 0 better, 1 absent.\n" in text


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        pytest.param([], "1-a: no test that runs names this row", id="no test"),
        pytest.param([Naming("1-a", "test_it", False)], "1-a: no test that runs names this row", id="a skipped test"),
        pytest.param([Naming("1-a", "t", True), Naming("1-c", "t", True)], "names the row 1-c", id="no such row"),
        pytest.param([Naming("1-a", "t", True), Naming("1-b", "t", True)], "1-b is absent", id="absent but tested"),
    ],
)
def test_mismatches_are_reported(found: list[Naming], fault: str) -> None:
    with pytest.raises(PageError, match=fault):
        page(ROWS, {"tests/test_x.py": found})


def test_every_row_has_an_id_of_its_own() -> None:
    ids = [row.id for section in SECTIONS for row in section.rows]
    assert sorted(set(ids)) == sorted(ids)


def test_the_page_is_up_to_date() -> None:
    assert (REPOSITORY / "docs" / "compatibility.md").read_text() == current(), "run `make generate`"

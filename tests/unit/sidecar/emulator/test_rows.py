from hypothesis import given
from hypothesis import strategies as st

from taskyard.sidecar.emulator import cells
from taskyard.sidecar.emulator.cells import BLANK
from taskyard.sidecar.emulator.rows import Row

COLUMNS = st.integers(0, 12)
STEPS = st.one_of(
    st.tuples(st.just("text"), COLUMNS, st.text("ab ", min_size=1, max_size=8)),
    st.tuples(st.just("cells"), COLUMNS, st.text("aé→", min_size=1, max_size=8)),
    st.tuples(st.just("erase"), COLUMNS, st.none() | COLUMNS),
    st.tuples(st.just("pop"), COLUMNS, st.just(None)),
)


@given(st.lists(STEPS, max_size=12))
def test_row_holds_what_was_written_whether_it_is_stored_as_text_or_as_cells(steps: list) -> None:
    row, expected = Row(), {}
    for kind, x, given_ in steps:
        match kind:
            case "text":
                row.write(x, given_)
                expected.update({x + i: character for i, character in enumerate(given_)})
            case "cells":
                row.write(x, [cells.cell(character) for character in given_])
                expected.update({x + i: character for i, character in enumerate(given_)})
            case "erase":
                end = 99 if given_ is None else given_
                row.erase(x, None if given_ is None else max(x, end))
                expected = {column: text for column, text in expected.items() if not x <= column < end}
            case "pop":
                popped = row.pop(x)
                assert popped is None or popped.data == expected.get(x, " ")
                expected.pop(x, None)
        shown = "".join(expected.get(column, " ") for column in range(30)).rstrip()
        assert row.text(30) == shown
        assert [row[column].data for column in range(30)] == list(shown.ljust(30))
        assert row[40] == BLANK

"""Groups of values that fit into one transaction of etcd."""

from bench.etcd import MAX_BYTES, MAX_OPERATIONS, batches


def test_no_more_operations_than_etcd_takes() -> None:
    entries = [(f"key-{number}", b"value") for number in range(2 * MAX_OPERATIONS + 1)]
    found = list(batches(entries))
    assert [len(batch) for batch in found] == [MAX_OPERATIONS, MAX_OPERATIONS, 1]
    assert [entry for batch in found for entry in batch] == entries


def test_no_more_bytes_than_etcd_takes_and_a_larger_value_alone() -> None:
    half, whole = b"x" * (MAX_BYTES // 2), b"x" * (MAX_BYTES + 1)
    entries = [("a", half), ("b", half), ("c", half), ("d", whole), ("e", b"x")]
    assert [[key for key, _ in batch] for batch in batches(entries)] == [["a", "b"], ["c"], ["d"], ["e"]]


def test_nothing_is_no_batch() -> None:
    assert list(batches([])) == []

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.sidecar.conversation import records
from taskyard.sidecar.conversation.records import RecordFile


def test_records_come_back_in_order(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "file")
    assert file.load() == []
    for number in range(3):
        file.append({"n": number, "text": "ü\n"}, sync=True)
    assert RecordFile(file.path).load() == [{"n": number, "text": "ü\n"} for number in range(3)]


@settings(deadline=None)  # the machine may be busy
@given(cut=st.integers(0, 200), more=st.integers(1, 3))
def test_torn_last_line_is_skipped_and_never_continued(
    tmp_path_factory: pytest.TempPathFactory, cut: int, more: int
) -> None:
    path = tmp_path_factory.mktemp("records") / "file"
    written = [{"n": number, "text": "x" * 20} for number in range(5)]
    data = b"".join(json.dumps(record).encode() + b"\n" for record in written)[:cut]
    path.write_bytes(data)
    file = RecordFile(path)
    whole = file.load()
    assert whole == written[: len(whole)]
    assert len(whole) >= data.count(b"\n")
    added = [{"new": number} for number in range(more)]
    for record in added:
        file.append(record, sync=False)
    assert RecordFile(path).load() == whole + added


@pytest.mark.parametrize("line", [b"not json\n", b"[1]\n", b"\xff\xfe\n", b"\n", b"\0\0\0\0\n"])
def test_lines_that_are_not_records_are_skipped(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "file").write_bytes(b'{"n":1}\n' + line + b'{"n":2}\n')
    assert RecordFile(tmp_path / "file").load() == [{"n": 1}, {"n": 2}]


def test_rewriting_replaces_all_records(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "file")
    file.append({"old": 1}, sync=False)
    file.rewrite([{"new": 1}])
    file.append({"new": 2}, sync=False)
    assert RecordFile(file.path).load() == [{"new": 1}, {"new": 2}]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_is_open_once_however_often_it_is_replaced(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "file")
    file.append({"n": 0}, sync=True)
    before = open_files()
    for number in range(20):
        file.rewrite([])
        file.append({"n": number}, sync=False)
        file.sync()
    assert open_files() == before


def test_sync_fails_when_the_file_was_moved_away(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "file")
    file.append({"n": 1}, sync=False)
    file.path.rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        file.sync()
    file.append({"n": 2}, sync=True)
    assert RecordFile(file.path).load() == [{"n": 2}]


def test_files_are_private_to_their_owner_and_no_link_is_followed(tmp_path: Path) -> None:
    records.open_directory(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    file = RecordFile(tmp_path / "state" / "file")
    file.append({}, sync=False)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    target = tmp_path / "target"
    (tmp_path / "state" / "link").symlink_to(target)
    with pytest.raises(OSError):
        RecordFile(tmp_path / "state" / "link").append({}, sync=False)
    assert not target.exists()

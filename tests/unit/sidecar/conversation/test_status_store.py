"""What the agent reported and set comes back after a restart of the sidecar, also out of a file of 0.1."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskyard.sidecar.conversation import archive as archives
from taskyard.sidecar.conversation.archive import Archive
from taskyard.sidecar.conversation.reports import AgentReport, State

OF_0_1 = (
    '{"standing": {"word": {"state": "complete", "summary": "all tests pass", "link": "https://example.test/1", '
    '"build": 3}, "outputs": {"pr": "17"}}}\n'
)


def loaded(path: Path) -> Archive:
    archive = Archive(path)
    archive.load()
    return archive


def test_report_and_outputs_come_back(tmp_path: Path) -> None:
    store = loaded(tmp_path / "file").status
    store.agent_report = AgentReport(State.FAILED, "no room", "", 2)
    store.outputs = {"pr": "17"}
    store.save()
    again = loaded(tmp_path / "file").status
    assert (again.agent_report, again.outputs) == (AgentReport(State.FAILED, "no room", "", 2), {"pr": "17"})
    again.agent_report = None
    again.save()
    assert loaded(tmp_path / "file").status.agent_report is None


def test_a_file_of_0_1_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(OF_0_1)
    store = loaded(tmp_path / "file").status
    assert store.agent_report == AgentReport(State.COMPLETE, "all tests pass", "https://example.test/1", 3)
    assert store.outputs == {"pr": "17"}


def test_they_outlive_the_shortening_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "SPARE", 0)
    (tmp_path / "file").write_text(OF_0_1)
    archive = Archive(tmp_path / "file")
    conversation = archive.load()
    conversation.begin_run("run")
    for number in range(20):
        archive.keep(conversation)
        archive.status.outputs = {"pr": str(number)}
        archive.status.save()
    archive.keep(conversation)
    assert len((tmp_path / "file").read_text().splitlines()) < 20
    again = loaded(tmp_path / "file").status
    assert again.outputs == {"pr": "19"}
    assert again.agent_report is not None


@pytest.mark.parametrize(
    "record",
    [
        pytest.param('{"standing": 7}', id="no object"),
        pytest.param('{"standing": {"word": {"state": "asleep", "summary": "", "link": "", "build": 1}}}', id="half"),
        pytest.param('{"standing": {"word": {"state": "asleep"}, "outputs": {"a b": 1}}}', id="what nobody reports"),
    ],
)
def test_what_is_malformed_is_passed_over(tmp_path: Path, record: str) -> None:
    (tmp_path / "file").write_text(record + "\n")
    store = loaded(tmp_path / "file").status
    assert (store.agent_report, store.outputs) == (None, {})

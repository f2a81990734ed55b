"""The gateway reads from the Secret what the operator writes to it."""

import base64
from datetime import UTC, datetime

import pytest

from taskyard.core.security.certificates import new_authority
from taskyard.core.security.keyring import Keyring, keyring_from, secret_data

KEYRING = Keyring(authority=new_authority(datetime(2026, 1, 1, tzinfo=UTC)), master_key=bytes(range(32)))


def test_the_keys_survive_the_secret() -> None:
    data = secret_data(KEYRING)
    assert sorted(data) == ["ca.crt", "ca.key", "master.key"]
    assert keyring_from(data) == KEYRING


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({"ca.crt": None}, "ca.crt is missing", id="no certificate"),
        pytest.param({"ca.key": None}, "ca.key is missing", id="no key"),
        pytest.param({"master.key": None}, "master.key is missing", id="no master key"),
        pytest.param({"master.key": "%%"}, "master.key is not base64", id="not base64"),
        pytest.param({"master.key": ""}, "master.key has 0 bytes, not 32", id="empty"),
        pytest.param({"master.key": "AAAA"}, "master.key has 3 bytes, not 32", id="short"),
        pytest.param({"ca.crt": "AAAA"}, "authority is not readable PEM", id="no PEM"),
    ],
)
def test_a_secret_that_is_spoiled_is_refused_by_the_entrys_name(change: dict[str, str | None], fault: str) -> None:
    data = {**secret_data(KEYRING), **change}
    with pytest.raises(ValueError, match=fault):
        keyring_from({name: value for name, value in data.items() if value is not None})


def test_nothing_secret_is_shown() -> None:
    shown = repr(KEYRING)
    assert "PRIVATE" not in shown
    assert base64.b64encode(KEYRING.master_key).decode() not in shown
    assert repr(KEYRING.master_key) not in shown

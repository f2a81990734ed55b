"""The installation's keys: created once, read from then on, and the errors when that fails."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from taskyard.controller import installation_keys
from taskyard.controller.cluster import ApiError
from taskyard.controller.installation_keys import KeysError
from taskyard.core.resources import SECRETS
from unit.controller.fakes import FakeCluster, api_error
from unit.core.builders import NOW

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def secret() -> Manifest:
    return installation_keys.manifest("taskyard", now=NOW)


def changed(secret: Manifest, **data: bytes | None) -> Manifest:
    """The Secret with entries changed; `ca_crt` stands for `ca.crt`, None for an entry that is missing."""
    result = dict(secret["data"])
    for name, value in data.items():
        name = name.replace("_", ".")
        if value is None:
            del result[name]
        else:
            result[name] = base64.b64encode(value).decode()
    return secret | {"data": result}


def test_what_is_made_can_be_read(secret: Manifest) -> None:
    found = installation_keys.parse(secret, "taskyard")
    assert found.authority.certificate_pem.startswith("-----BEGIN CERTIFICATE-----")
    assert len(found.master_key) == 32
    assert secret["immutable"] is True
    assert (secret["metadata"]["namespace"], secret["metadata"]["name"]) == ("taskyard", "taskyard-keys")


def test_no_two_are_the_same(secret: Manifest) -> None:
    other = installation_keys.manifest("taskyard", now=NOW)
    assert all(other["data"][name] != secret["data"][name] for name in ("ca.crt", "ca.key", "master.key"))


def test_the_master_key_is_not_in_what_is_printed(secret: Manifest) -> None:
    found = installation_keys.parse(secret, "taskyard")
    assert "master_key" not in repr(found)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param({"ca_crt": None}, "ca.crt is missing", id="no certificate"),
        pytest.param({"ca_key": None}, "ca.key is missing", id="no key"),
        pytest.param({"master_key": None}, "master.key is missing", id="no master key"),
        pytest.param({"master_key": b"x" * 31}, "master.key has 31 bytes, not 32", id="a short master key"),
        pytest.param({"master_key": b""}, "master.key has 0 bytes, not 32", id="an empty master key"),
        pytest.param({"ca_crt": b"none"}, "secret taskyard/taskyard-keys: ", id="no PEM"),
        pytest.param({"ca_key": b"none"}, "secret taskyard/taskyard-keys: ", id="no key in PEM"),
        pytest.param({"ca_crt": b"\xff\xfe"}, "secret taskyard/taskyard-keys: ", id="no text"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(secret: Manifest, data: dict[str, Any], says: str) -> None:
    with pytest.raises(KeysError) as error:
        installation_keys.parse(changed(secret, **data), "taskyard")
    message = str(error.value)
    assert message.startswith("secret taskyard/taskyard-keys")
    assert says in message
    assert "restore it from a backup, or delete it and restart the operator" in message
    assert "\n" not in message


def test_a_key_of_another_authority_is_refused(secret: Manifest) -> None:
    other = installation_keys.manifest("taskyard", now=NOW)
    mixed = secret | {"data": secret["data"] | {"ca.key": other["data"]["ca.key"]}}
    with pytest.raises(KeysError, match="restore it from a backup"):
        installation_keys.parse(mixed, "taskyard")


def test_no_base64_is_refused(secret: Manifest) -> None:
    broken = secret | {"data": secret["data"] | {"master.key": "a"}}
    with pytest.raises(KeysError, match="restore it from a backup"):
        installation_keys.parse(broken, "taskyard")


def test_a_secret_without_data_is_refused() -> None:
    with pytest.raises(KeysError, match=r"ca\.crt is missing; restore it"):
        installation_keys.parse({}, "taskyard")


async def test_the_first_start_makes_them_and_the_next_finds_them() -> None:
    cluster = FakeCluster()
    made = await installation_keys.ensure(cluster, "taskyard", now=NOW)
    assert await installation_keys.ensure(cluster, "taskyard", now=NOW) == made
    assert [verb for verb, _, _ in cluster.calls] == ["get", "create", "get"]


async def test_of_two_that_start_at_once_both_take_what_the_first_made(secret: Manifest) -> None:
    class Late(FakeCluster):
        """The other's Secret is created between this one's read and its write."""

        async def create(self, *arguments: Any, **options: Any) -> Manifest:
            other = secret | {"metadata": secret["metadata"] | {"resourceVersion": "1"}}
            self.hold(SECRETS, other)
            return await super().create(*arguments, **options)

    cluster = Late()
    assert await installation_keys.ensure(cluster, "taskyard", now=NOW) == installation_keys.parse(secret, "taskyard")


async def test_what_the_api_server_refuses_is_told() -> None:
    cluster = FakeCluster()
    cluster.failures["create"] = [api_error(403, "Forbidden")]
    with pytest.raises(ApiError):
        await installation_keys.ensure(cluster, "taskyard", now=NOW)

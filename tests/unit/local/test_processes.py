"""A process is never mistaken for another."""

import dataclasses
import os
import subprocess
import sys

import pytest

from localcluster import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are read from /proc: Linux only")


def test_a_name_with_spaces_and_brackets_does_not_shift_the_fields() -> None:
    fields = " ".join(str(number) for number in range(4, 52))
    assert processes.parse_stat(f"7 (a ) S 9 (b) R {fields}") == ("R", 22)


def test_a_living_process_is_identified_again() -> None:
    identity = processes.identify(os.getpid())
    assert identity is not None
    assert processes.is_alive(identity)
    assert processes.from_json(identity.to_json()) == identity


@pytest.mark.parametrize("field", ["started", "boot"])
def test_a_process_that_got_the_same_id_later_is_not_signalled(field: str) -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        identity = processes.identify(child.pid)
        assert identity is not None
        other = dataclasses.replace(identity, **{field: 1 if field == "started" else "another boot"})
        assert not processes.send(other)
        assert child.poll() is None
        assert processes.send(identity)
        assert child.wait(5) == -9
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("value", [None, {}, {"pid": "x", "started": 1, "boot": "b"}, [1]])
def test_a_value_that_is_no_identity_is_read_as_none(value: object) -> None:
    assert processes.from_json(value) is None

from __future__ import annotations

import pytest

from taskyard.sidecar.conversation import origin as origins
from taskyard.sidecar.conversation.journal import digest
from taskyard.sidecar.conversation.origin import Identities, Origin

HELLO = Origin("hello", "user")


def test_the_same_input_has_the_same_identity_whatever_object_it_is() -> None:
    assert HELLO.identity(digest("go on")) == Origin("hello", "user").identity(digest("go on"))


@pytest.mark.parametrize(
    ("origin", "content"),
    [
        pytest.param(Origin("hello-2", "user"), "go on", id="another name"),
        pytest.param(HELLO, "go on!", id="another content"),
        pytest.param(Origin("hello", "raw"), "go on", id="another type"),
        pytest.param(Origin("hello", "answer:q-1"), "go on", id="an answer"),
    ],
)
def test_another_input_has_another_identity(origin: Origin, content: str) -> None:
    assert origin.identity(digest(content)) != HELLO.identity(digest("go on"))


def test_identities_are_kept_as_text() -> None:
    known = [bytes([number]) * 16 for number in range(3)]
    one, other = Identities(), Identities()
    one.add(known)
    other.unpack(one.packed())
    assert all(identity in other for identity in known)
    assert other.packed() == one.packed()
    assert not Identities() and one


@pytest.mark.parametrize("text", ["", "?", "AAAA", "ä" * 40])
def test_text_that_is_none_of_ours_adds_nothing(text: str) -> None:
    identities = Identities()
    identities.unpack(text)
    assert not identities


def test_only_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(origins, "MAX_REMEMBERED", 2)
    first, second, third = (bytes([number]) * 16 for number in range(3))
    identities = Identities()
    identities.add([first, second, first, third])
    assert (first in identities, second in identities, third in identities) == (True, False, True)

"""Fields of a build's status that the API server drops, since its CRDs are older than this operator."""

from __future__ import annotations

from typing import Any

from taskyard.controller.cache.unkept import MAX_REMEMBERED, Unkept


def build(uid: str = "u", **status: Any) -> dict[str, Any]:
    return {"metadata": {"uid": uid}, "status": status}


def test_what_was_not_kept_is_restored_and_what_was_is_left_as_it_is() -> None:
    unkept = Unkept()
    unkept.written({"phase": "Failed", "resizeRefusal": "no", "message": None}, build(phase="Failed"))
    unkept.written({"podEnd": {"reason": "Evicted"}}, build(phase="Failed"))
    assert unkept.restored(build(phase="Failed"))["status"] == {
        "phase": "Failed",
        "resizeRefusal": "no",
        "podEnd": {"reason": "Evicted"},
    }
    assert unkept.restored(build("other", phase="Failed")) == build("other", phase="Failed")


def test_memory_is_bounded() -> None:
    unkept = Unkept()
    for number in range(MAX_REMEMBERED + 1):
        unkept.written({"resizeRefusal": "no"}, build(str(number)))
    assert unkept.restored(build("0")) == build("0")
    assert unkept.restored(build("1"))["status"] == {"resizeRefusal": "no"}

"""Which Tasks a client has been told of."""

from __future__ import annotations

import sys
import time
import uuid

from hypothesis import given
from hypothesis import strategies as st

from taskyard.gateway.rest.streams import sent_tasks
from taskyard.gateway.rest.streams.sent_tasks import SentTasks

UIDS = [str(uuid.UUID(int=number)) for number in range(2000)]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(UIDS[:40]))))
def test_it_is_a_set(steps: list[tuple[bool, str]]) -> None:
    sent_tasks._MAX_NEW, usual = 3, sent_tasks._MAX_NEW
    try:
        sent, expected = SentTasks(), set[str]()
        for is_added, uid in steps:
            (sent.add if is_added else sent.discard)(uid)
            (expected.add if is_added else expected.discard)(uid)
            assert len(sent) == len(expected)
            assert {uid for uid in UIDS[:40] if uid in sent} == expected
    finally:
        sent_tasks._MAX_NEW = usual


def test_ten_thousand_take_little_room_and_no_time() -> None:
    uids, sent = [str(uuid.uuid4()) for _ in range(10_000)], SentTasks()
    began = time.perf_counter()
    for uid in uids:
        sent.add(uid)
    assert all(uid in sent for uid in uids)
    assert time.perf_counter() - began < 2
    assert sys.getsizeof(sent._sorted) + sys.getsizeof(sent._new) < 150_000

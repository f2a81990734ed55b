"""The sidecar asks to be let in for as long as it takes: hours pass here in no time."""

from __future__ import annotations

import asyncio
import datetime
import functools
import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from taskyard.sidecar.gateway.client import Gateway
from taskyard.sidecar.settings import Settings
from unit.sidecar.authority import Authority
from unit.virtual_time import gaps, in_no_time, now

PROMPT = "list the files"


def enrolment() -> httpx.Response:
    return httpx.Response(
        200,
        json={
            "protocolVersion": 1,
            "certificate": "certificate",
            "privateKey": "private key",
            "notAfter": "2026-01-31T12:00:00Z",
            "key": "key",
            "token": "token",
            "prompt": PROMPT,
            "promptSHA256": hashlib.sha256(PROMPT.encode()).hexdigest(),
        },
    )


class Door:
    """A gateway that answers enrolments with these statuses, one after the other, and then lets in; 0: no answer."""

    def __init__(self, statuses: Iterator[int]) -> None:
        self._statuses = statuses
        self.asked_at: list[float] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/v1alpha1/enroll"
        self.asked_at.append(now())
        match next(self._statuses, 200):
            case 0:
                raise httpx.ConnectError("connection refused")
            case 200:
                return enrolment()
            case 429:
                return httpx.Response(429, headers={"Retry-After": "7"})
            case status:
                return httpx.Response(status, json={"message": "not now"})

    @property
    def delays(self) -> list[float]:
        return gaps(self.asked_at)


def enrol(statuses: Iterator[int], authority: Authority, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    """A sidecar that asks at this gateway until it is let in."""
    door = Door(statuses)
    client = functools.partial(httpx.AsyncClient, transport=httpx.MockTransport(door.answer))
    monkeypatch.setattr(httpx, "AsyncClient", client)
    token = folder / "token"
    token.write_text("service-account-token")
    given = Settings.from_environment(
        {
            "TASKYARD_GATEWAY_URL": "https://gateway.invalid",
            "TASKYARD_CA_CERTIFICATE": authority.pem,
            "TASKYARD_TOKEN_FILE": str(token),
            "TASKYARD_TASK_NAME": "shell",
            "TASKYARD_TASK_NAMESPACE": "team",
            "TASKYARD_TASK_UID": "task",
            "TASKYARD_POD_UID": "pod",
            "TASKYARD_BUILD_NUMBER": "1",
        }
    )

    async def live() -> None:
        let_in = asyncio.Event()
        gateway = Gateway(given, lambda: datetime.datetime.now(datetime.UTC), lambda enrolment: let_in.set())
        assert (await gateway.enrol()).prompt == PROMPT
        assert let_in.is_set()
        await gateway.close()

    in_no_time(live())
    return door


@pytest.mark.parametrize(
    ("status", "first", "longest"),
    [
        pytest.param(0, 0.5, 15.0, id="the gateway is away"),
        pytest.param(409, 0.2, 5.0, id="the build is not recorded yet"),
        pytest.param(403, 5.0, 60.0, id="it refuses"),
    ],
)
def test_after_two_thousand_failures_it_still_asks_and_is_let_in(
    status: int,
    first: float,
    longest: float,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    door = enrol(itertools.repeat(status, 2000), authority, tmp_path, monkeypatch)
    assert len(door.delays) == 2000
    assert door.delays[:2] == pytest.approx([first, 2 * first])
    assert door.delays[-1] == pytest.approx(longest)


def test_another_answer_is_the_first_of_its_kind_and_retry_after_counts_for_more(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = enrol(iter([403, 403, 503, 503, 403, 429, 0]), authority, tmp_path, monkeypatch)
    assert door.delays == pytest.approx([5.0, 10.0, 0.5, 1.0, 5.0, 7.0, 0.5])

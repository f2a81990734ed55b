"""The listener for users under load: limits for each caller, no overload of sidecars, a graceful shutdown."""

import contextlib
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.rest_namespace import Agent, RestNamespace
from taskyard.core.security.keyring import Keyring
from taskyard.gateway.rest.listener import _EACH_SIDECAR, _WAITING

TOO_MANY = "Too many requests."
AT_ONCE, STREAMS = 3, 2


@pytest.fixture(scope="module")
def narrow_gateway(
    admin: Administrator, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway with low limits for each caller."""
    with Gateway(admin, tmp_path_factory.mktemp("narrow")).serving(
        keyring,
        TASKYARD_PEOPLE_RATE="10",
        TASKYARD_PEOPLE_BURST="60",
        TASKYARD_PEOPLE_AT_ONCE=str(AT_ONCE),
        TASKYARD_PEOPLE_STREAMS=str(STREAMS),
    ) as gateway:
        yield gateway


@pytest.fixture
def narrow_ns(
    admin: Administrator, narrow_gateway: Gateway, keyring: Keyring, namespace: str
) -> Iterator[RestNamespace]:
    ns = RestNamespace(admin, narrow_gateway, keyring, namespace)
    yield ns
    ns.close()


def until_asked(agent: Agent, count: int) -> None:
    """Waits until the agent has received that many requests."""
    until = time.monotonic() + 20
    while len(agent.asked) < count:
        assert time.monotonic() < until, agent.asked
        time.sleep(0.02)


def test_a_caller_who_asks_too_often_is_told_to_wait_and_others_are_not(narrow_ns: RestNamespace) -> None:
    narrow_ns.as_("reader").get("/tasks")
    for _ in range(500):
        answer = narrow_ns.owner.get("/users/me")
        if answer.status_code != 200:
            break
    assert answer.status_code == 429
    assert answer.json() == {"message": TOO_MANY, "detail": "Ask less often, and for less at once."}
    assert int(answer.headers["retry-after"]) >= 1
    assert narrow_ns.as_("reader").get("/tasks").status_code == 200
    time.sleep(int(answer.headers["retry-after"]))
    assert narrow_ns.owner.get("/tasks").status_code == 200


def test_a_caller_has_so_many_requests_at_once(narrow_ns: RestNamespace, keyring: Keyring) -> None:
    agent = Agent()
    pod = narrow_ns.running_task(address=agent.address)
    with agent.serving(keyring, pod), ThreadPoolExecutor(AT_ONCE) as threads:
        agent.answering.clear()
        held = [threads.submit(narrow_ns.owner.get, "/tasks/me/hello/logs") for _ in range(AT_ONCE)]
        until_asked(agent, AT_ONCE)
        one_more = narrow_ns.owner.get("/tasks")
        other = narrow_ns.as_("reader").get("/tasks")
        agent.answering.set()
        assert [answer.result().status_code for answer in held] == [200] * AT_ONCE
    assert (one_more.status_code, one_more.json()["message"]) == (429, TOO_MANY)
    assert other.status_code == 200


def test_a_caller_has_so_many_streams_open_and_again_when_one_has_ended(narrow_ns: RestNamespace) -> None:
    url = narrow_ns.url("/tasks/watch")
    with contextlib.ExitStack() as stack:
        for _ in range(STREAMS):
            stream = stack.enter_context(narrow_ns.owner.stream("GET", url))
            assert stream.status_code == 200
        one_more = narrow_ns.owner.get(url)
        assert (one_more.status_code, one_more.headers["retry-after"]) == (429, "1")
        assert one_more.json() == {"message": TOO_MANY, "detail": "Too many streams are open."}
        assert narrow_ns.owner.get("/tasks").status_code == 200
        stream.close()
        until = time.monotonic() + 20
        while True:
            with narrow_ns.owner.stream("GET", url) as again:
                if again.status_code == 200:
                    break
            assert time.monotonic() < until
            time.sleep(0.2)


def test_calls_to_one_agent_take_turns_and_a_crowd_is_sent_away(ns: RestNamespace, keyring: Keyring) -> None:
    agent = Agent()
    pod = ns.running_task(address=agent.address)
    taken, crowd = _EACH_SIDECAR + _WAITING, 6
    with agent.serving(keyring, pod), ThreadPoolExecutor(taken + crowd) as threads:
        agent.answering.clear()
        asked = [threads.submit(ns.owner.get, "/tasks/me/hello/logs") for _ in range(taken + crowd)]
        until = time.monotonic() + 20
        while sum(answer.done() for answer in asked) < crowd:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert len(agent.asked) <= _EACH_SIDECAR
        agent.answering.set()
        answers = [answer.result() for answer in asked]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) == crowd
    for answer in refused:
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert answer.json() == {"message": TOO_MANY, "detail": "Too many wait for this Task's agent."}


def test_a_flood_of_made_up_tokens_from_one_address_is_slowed_down(
    ns: RestNamespace, gateway: Gateway, keyring: Keyring
) -> None:
    context = ssl.create_default_context(cadata=keyring.authority.certificate_pem)
    transport = httpx.HTTPTransport(verify=context, local_address="127.0.0.9")
    with httpx.Client(base_url=f"https://localhost:{gateway.people_port}/api/v2", transport=transport) as flood:
        for number in range(2000):
            answer = flood.get("/tasks", headers={"Authorization": f"Bearer made-up-{number}"})
            if answer.status_code != 401:
                break
        assert (answer.status_code, answer.json()["message"]) == (429, "Too many token reviews.")
        assert int(answer.headers["retry-after"]) >= 1
    with ns.client(ns.token("reader")) as fresh:
        assert fresh.get("/tasks").status_code == 200


def test_an_end_cuts_no_request_off(own_ns: RestNamespace, own_gateway: Gateway, keyring: Keyring) -> None:
    agent = Agent()
    pod = own_ns.running_task(address=agent.address)
    with agent.serving(keyring, pod), ThreadPoolExecutor(2) as threads:
        agent.answering.clear()
        sending = threads.submit(own_ns.owner.post, "/tasks/me/hello/send", json={"input": "hi"})
        until_asked(agent, 1)
        ending = threads.submit(own_gateway.stop)
        own_gateway.wait_until("/readyz", 503)
        # New requests are still answered while the Pod is removed from the Service, but their connections are closed.
        late = own_ns.owner.get("/tasks")
        threading.Timer(4, agent.answering.set).start()
        assert sending.result().status_code == 204
        assert ending.result() == 0
    assert (late.status_code, late.headers["connection"]) == (200, "close")
    assert [path for path, _ in agent.asked] == ["/status", "/message"]
    assert "Traceback" not in own_gateway.log.read_text()

"""Where webhooks go: addresses, signing secrets and redirects that are refused, and servers that nothing reaches."""

from __future__ import annotations

from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from taskyard.notifier import webhook
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.guarded_dns import GuardedDns
from unit.notifier.receivers import (
    HOST,
    Names,
    answer,
    authority,
    dns,
    names,
    receiver,
    redirecting,
    serving,
    trust,
)
from unit.notifier.webhooksending import ATTRIBUTES, DATA, KEY, SECRET_PATH, refused, send, webhooks


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("10.0.0.1", id="a private one"),
        pytest.param("169.254.169.254", id="a metadata service"),
        pytest.param("[::1]", id="loopback of IPv6"),
        pytest.param("[fe80::1%25lo]", id="link-local with a zone"),
        pytest.param("[fd00::1]", id="a private one of IPv6"),
        pytest.param("[::ffff:10.0.0.1]", id="a private one in IPv6"),
        pytest.param("[64:ff9b::10.0.0.1]", id="a private one behind NAT64"),
        pytest.param("private.test", id="a name of a private one"),
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_an_address_that_is_not_public_is_refused(scheme: str, host: str) -> None:
    error = await refused(f"{scheme}://{host}{SECRET_PATH}")
    assert error.reason == "AddressRefused"


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("127.0.0.1", id="loopback"),
        pytest.param("2130706433", id="one number"),
        pytest.param("017700000001", id="one octal number"),
        pytest.param("0x7f.1", id="hex"),
        pytest.param("127.1", id="two parts"),
        pytest.param("\uff11\uff12\uff17.\uff10.\uff10.\uff11", id="digits of full width"),
        pytest.param("127.0.0.1.", id="a full stop at its end"),
        pytest.param("[::ffff:127.0.0.1]", id="in IPv6"),
    ],
)
async def test_no_form_of_loopback_reaches_this_machine(host: str) -> None:
    async with receiver() as served:
        error = await refused(served.url(SECRET_PATH, host=host), guard=GuardedDns())
    assert served.connections == 0
    assert error.reason in ("AddressRefused", "DeliveryFailed")


async def test_an_allowed_literal_is_connected_to() -> None:
    async with receiver() as served:
        await send(served.url(host="127.0.0.1"))
    assert len(served.requests) == 1


async def test_only_what_was_checked_is_connected_to_when_a_name_changes_its_address() -> None:
    lookup = Names(receiver_test=[["93.184.216.34"], ["127.0.0.1"]])
    guard = GuardedDns(lookup=lookup)
    async with receiver() as served, webhooks(guard) as sending:
        await sending.check(served.url(), "")
        with pytest.raises(DeliveryError, match="loopback"):
            await sending.send(served.url(), "", ATTRIBUTES, DATA)
    assert served.connections == 0
    assert len(lookup.asked) == 2


async def test_the_first_answer_is_the_one_that_is_connected_to() -> None:
    lookup = Names(receiver_test=[["127.0.0.1"], ["10.0.0.1"]])
    async with receiver() as served:
        await send(served.url(), guard=dns(lookup))
    assert (len(served.requests), lookup.asked) == (1, [HOST])


async def test_a_host_with_one_private_address_is_refused() -> None:
    async with receiver() as served:
        error = await refused(served.url(), guard=dns(names(receiver_test="127.0.0.1,10.0.0.1")))
    assert error.reason == "AddressRefused"
    assert served.connections == 0


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        pytest.param("", "AddressInvalid", id="nothing"),
        pytest.param("receiver.test/T0K3N", "AddressInvalid", id="no scheme"),
        pytest.param("//receiver.test/T0K3N", "AddressInvalid", id="half a scheme"),
        pytest.param("ftp://receiver.test/T0K3N", "AddressInvalid", id="another scheme"),
        pytest.param("https:///T0K3N", "AddressInvalid", id="no host"),
        pytest.param("https://receiver.test:99999/T0K3N", "AddressInvalid", id="a port that there is not"),
        pytest.param("https://receiver.test:0/T0K3N", "AddressInvalid", id="port 0"),
        pytest.param("https://[::1/T0K3N", "AddressInvalid", id="half a bracket"),
        pytest.param("https://me:T0K3N@receiver.test/", "AddressInvalid", id="a user and a password"),
        pytest.param("https://T0K3N@receiver.test/", "AddressInvalid", id="a user"),
        pytest.param(f"https://receiver.test/{'T0K3N' * 500}", "AddressInvalid", id="an address that is too long"),
        pytest.param("http://receiver.test/T0K3N", "AddressRefused", id="no TLS"),
    ],
)
async def test_an_address_that_is_none_is_told_without_it(address: str, reason: str) -> None:
    error = await refused(address, plain_http=False)
    assert error.reason == reason
    async with webhooks(plain_http=False) as sending:
        with pytest.raises(DeliveryError) as checked:
            await sending.check(address, "")
    assert checked.value.message == error.message


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("MfKQ9r8G not base64!", id="no base64"),
        pytest.param("whsec_", id="a prefix alone"),
        pytest.param("whsec_MfKQ9r8G", id="too short"),
        pytest.param("A" * 200, id="too long"),
        pytest.param("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", id="a character is missing"),
        pytest.param("\u00fc" * 40, id="beyond ASCII"),
    ],
)
async def test_a_signing_secret_that_is_none_is_told_without_it(secret: str) -> None:
    async with receiver() as served:
        error = await refused(served.url(), secret)
        async with webhooks() as sending:
            with pytest.raises(DeliveryError) as checked:
                await sending.check(served.url(), secret)
    assert (error.reason, checked.value.reason) == ("KeyInvalid", "KeyInvalid")
    assert "openssl rand -base64 32" in error.message
    assert served.requests == []


# --- redirects


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_that_keeps_the_body_is_followed(status: int) -> None:
    async with (
        receiver() as other,
        receiver(redirecting(status, other.url("/elsewhere?x=1", host="other.test"))) as served,
    ):
        await send(served.url(), KEY)
    (request,) = other.requests
    assert (request.method, request.path) == ("POST", "/elsewhere?x=1")
    assert Webhook(KEY).verify(request.body, request.headers)["data"] == DATA


async def test_a_redirect_within_the_server_is_followed() -> None:
    async with receiver(redirecting(307, "/1", "2?also=S3CR3T", "/there")) as served:
        await send(served.url())
    assert [each.path for each in served.requests] == ["/hook", "/1", "/2?also=S3CR3T"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        pytest.param("http://private.test/T0K3N", "AddressRefused", id="to a name of a private address"),
        pytest.param("http://10.0.0.1/T0K3N", "AddressRefused", id="to a private address"),
        pytest.param("//169.254.169.254/latest/T0K3N", "AddressRefused", id="to a metadata service"),
        pytest.param("https://[::1]/T0K3N", "AddressRefused", id="to loopback of IPv6"),
        pytest.param("file:///etc/T0K3N", "AddressInvalid", id="to a file"),
        pytest.param("http://me:T0K3N@other.test/", "AddressInvalid", id="to an address with a password"),
        pytest.param("http://[T0K3N/", "AddressInvalid", id="to no address"),
        pytest.param("http://other.test:99999/T0K3N", "AddressInvalid", id="to a port that there is not"),
    ],
)
@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_to_where_nothing_may_go_is_refused(status: int, target: str, reason: str) -> None:
    async with receiver(redirecting(status, target)) as served:
        error = await refused(served.url(SECRET_PATH.replace("/T0K3N-in-the-path", "/hook").split("?")[0]))
    assert error.reason == reason
    if reason == "AddressInvalid":
        assert error.message.startswith("the address that the receiver redirects to ")


async def test_a_redirect_away_from_tls_is_refused(tmp_path: Path) -> None:
    known = authority()
    async with receiver() as plain:
        reply = redirecting(307, plain.url("/T0K3N"))
        async with receiver(reply, tls=serving(known, tmp_path)) as served:
            trusted = webhook.trusted(trust(known, tmp_path))
            error = await refused(served.url(scheme="https"), tls=trusted, plain_http=False)
    assert error.reason == "AddressRefused"
    assert plain.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_loses_the_body_is_not_followed(status: int) -> None:
    async with receiver() as other, receiver(redirecting(status, other.url(SECRET_PATH))) as served:
        error = await refused(served.url())
    assert f"answered {status} " in error.message
    assert "put the address that it redirects to into the Secret" in error.message
    assert other.connections == 0


async def test_redirects_without_end_are_given_up() -> None:
    async with receiver(lambda request: answer(307, "Location: /hook")) as served:
        error = await refused(served.url())
    assert error.message == "the receiver redirects more than 3 times"
    assert len(served.requests) == 4

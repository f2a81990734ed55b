"""Apprise: where an address may send, and that none reads a file of this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskyard.notifier import settings
from taskyard.notifier.fault import DeliveryError
from unit.notifier.appriseservices import refused, restored, services

__all__ = ["restored"]


@pytest.mark.parametrize("scheme", settings.SCHEMES.split())
def test_every_scheme_of_the_default_is_one_of_apprises(scheme: str) -> None:
    from apprise.manager_plugins import NotificationManager

    assert scheme in NotificationManager()


@pytest.mark.parametrize(
    ("address", "reason", "says"),
    [
        pytest.param("json://receiver.test/T0K3N", "AddressRefused", "json:// is not allowed", id="without TLS"),
        pytest.param("syslog://T0K3N", "AddressRefused", "syslog:// is not allowed", id="of this machine"),
        pytest.param("file:///etc/T0K3N", "AddressRefused", "file:// is not allowed", id="a file"),
        pytest.param("https://hooks.slack.com/services/T0K3N", "AddressRefused", "https:// is not", id="a web address"),
        pytest.param("mailto://u:T0K3N@mail.test", "AddressRefused", "mailto:// is not allowed", id="mail without TLS"),
        pytest.param("slack:T0K3N", "AddressInvalid", "not a URL of Apprise's", id="no scheme"),
        pytest.param("", "AddressInvalid", "not a URL of Apprise's", id="nothing"),
        pytest.param("T0K3N slack://a/b/c", "AddressInvalid", "not a URL of Apprise's", id="words before it"),
        pytest.param("sl\nack://T0K3N", "AddressInvalid", "not a URL of Apprise's", id="a line feed in it"),
        pytest.param("slack://" + "T0K3N" * 1000, "AddressInvalid", "not a URL of Apprise's", id="too long"),
        pytest.param("slack://T0K3N", "AddressInvalid", "cannot read the slack:// address", id="half an address"),
        pytest.param("tgram:?x=json://T0K3N", "AddressInvalid", "not a URL of Apprise's", id="another scheme in it"),
    ],
)
async def test_only_the_schemes_of_the_installation_are_sent_to(address: str, reason: str, says: str) -> None:
    service = services()
    error = await refused(service, address)
    assert error.reason == reason
    assert says in error.message
    with pytest.raises(DeliveryError) as checked:
        await service.check(address)
    assert checked.value.message == error.message


async def test_an_installation_may_allow_none() -> None:
    error = await refused(services(schemes=""), "slack://T0K3N")
    assert "allowed are none" in error.message


@pytest.mark.parametrize(
    ("address", "allowed", "expected"),
    [
        pytest.param("mailtos://u:p@mail.test", "mail.test", True, id="the host"),
        pytest.param("mailtos://u:p@MAIL.test", "Mail.Test", True, id="in other letters"),
        pytest.param("mailtos://u:p@example.test?smtp=mail.test", "mail.test", True, id="by its option"),
        pytest.param("mailtos://u:p@mail.test:465", "mail.test", True, id="another port of mail"),
        pytest.param("mailtos://u:p@mail.test:2525", "mail.test:2525", True, id="a port that is named"),
        pytest.param("mailtos://u:p@mail.test", "", False, id="no mail at all"),
        pytest.param("mailtos://u:p@other.test", "mail.test", False, id="another host"),
        pytest.param("mailtos://u:p@mail.test?smtp=other.test", "mail.test", False, id="another host by its option"),
        pytest.param("mailtos://u:p@mail.test?smtp=127.0.0.1", "mail.test", False, id="this machine by its option"),
        pytest.param("mailtos://mail.test/?smtp=other.test&user=u&pass=p", "mail.test", False, id="without a user"),
        pytest.param("mailtos://u:p@gmail.com", "gmail.com", False, id="a service whose host Apprise knows"),
        pytest.param("mailtos://u:p@gmail.com", "smtp.gmail.com", True, id="that host"),
        pytest.param("mailtos://u:p@mail.test:6379", "mail.test", False, id="a port of something else"),
        pytest.param("mailtos://u:p@mail.test:587", "mail.test:2525", False, id="a port beside the one that is named"),
    ],
)
async def test_mail_goes_to_the_servers_of_the_installation_alone(address: str, allowed: str, expected: bool) -> None:
    service = services(mail=allowed)
    if expected:
        await service.check(address)
        return
    with pytest.raises(DeliveryError) as found:
        await service.check(address)
    assert found.value.reason == "AddressRefused"
    assert "notifier.allow.mailServers" in found.value.message


@pytest.mark.parametrize(
    ("address", "says"),
    [
        pytest.param("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?template=FILE", "template", id="Discord"),
        pytest.param("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?template=FILE", "template", id="Slack"),
        pytest.param("workflows://host.test:443/ABC/DEF?template=FILE", "template", id="Teams"),
        pytest.param("tgram://123456789:abcdefg_hijklmnop/12315544/?template=FILE", "template", id="Telegram"),
        pytest.param(
            "workflows://host.test:443/ABC/DEF?template=http://127.0.0.1/", "template", id="of another server"
        ),
        pytest.param("mailtos://u:p@mail.test?pgp=sign&pgpprv=FILE", "PGP", id="a key of PGP"),
        pytest.param("mailtos://u:p@mail.test?pgp=encrypt&pgppub=FILE", "PGP", id="a public key of PGP"),
        pytest.param("mailtos://u:p@mail.test?wkd=yes", "PGP", id="a key that is fetched"),
    ],
)
async def test_no_address_reads_a_file(address: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "T0K3N").write_text('{"text": "of this process"}')
    error = await refused(services(mail="mail.test"), address.replace("FILE", str(tmp_path / "T0K3N")))
    assert says in error.message


async def test_an_address_has_a_bounded_number_of_receivers() -> None:
    topics = "/".join(f"topic-{number}" for number in range(100))
    error = await refused(services(), f"ntfys://host.test/{topics}")
    assert "more than 16 receivers" in error.message
    await services().check("ntfys://host.test/" + "/".join(f"topic-{number}" for number in range(16)))


@pytest.mark.parametrize("option", ["cc", "bcc"])
async def test_copies_count_as_receivers(option: str) -> None:
    copies = ",".join(f"u{number}@mail.test" for number in range(16))
    error = await refused(services(mail="mail.test"), f"mailtos://u:p@mail.test?to=a@mail.test&{option}={copies}")
    assert "more than 16 receivers" in error.message


async def test_a_scheme_with_tls_has_tls_whatever_its_options_say() -> None:
    error = await refused(services(mail="mail.test"), "mailtos://u:p@mail.test?mode=insecure")
    assert error.reason == "AddressRefused"
    assert "without TLS" in error.message
    await services(mail="mail.test").check("mailtos://u:p@mail.test?mode=ssl")


@pytest.mark.parametrize("address", ["matrixs://user:T0K3N@home.test/#room", "twist://T0K3N:user@example.test/general"])
async def test_no_service_does_anything_when_it_is_forgotten(address: str) -> None:
    """Some log out by HTTP then, in whichever thread that is: that of the event loop would wait for its own proxy."""
    found = services(schemes=f"{settings.SCHEMES} twist")
    await found.check(address)
    kind = type(found._service(address))
    assert not [each for each in kind.__mro__ if "__del__" in vars(each)]

"""Certificates are made so that a TLS client which trusts the authority accepts them, and only for their names."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from taskyard.core.security.certificates import (
    AUTHORITY_LIFETIME,
    Authority,
    ServingCertificate,
    check_authority,
    issue_serving_certificate,
    new_authority,
)

NOW = datetime.now(UTC)
UID = "0c8f6a3e-5a45-4d0e-9b5d-1d2f3a4b5c6d"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return new_authority(NOW)


def handshake(issued: ServingCertificate, trusted: Authority, name: str, directory: Path) -> None:
    """A TLS handshake in memory; ssl.SSLError when the client does not accept the server."""
    file = directory / "server.pem"
    file.write_text(issued.certificate_pem + issued.key_pem)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(file)
    client_context = ssl.create_default_context(cadata=trusted.certificate_pem)
    # Python 3.13 checks this strictly by default.
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    done = set()
    while len(done) < 2:
        for side in (client, server):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass


def test_a_client_that_trusts_the_authority_accepts_the_pods_certificate(authority: Authority, tmp_path: Path) -> None:
    issued = issue_serving_certificate(authority, dns_names=[UID], now=NOW, lifetime=DAY)
    handshake(issued, authority, UID, tmp_path)


@pytest.mark.parametrize("name", ["another-pod", "localhost", UID + ".svc"])
def test_under_another_name_it_is_not_accepted(authority: Authority, tmp_path: Path, name: str) -> None:
    issued = issue_serving_certificate(authority, dns_names=[UID], now=NOW, lifetime=DAY)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(issued, authority, name, tmp_path)


def test_a_client_of_another_installation_does_not_accept_it(authority: Authority, tmp_path: Path) -> None:
    issued = issue_serving_certificate(authority, dns_names=[UID], now=NOW, lifetime=DAY)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(issued, new_authority(NOW), UID, tmp_path)


def test_after_its_life_it_is_not_accepted(authority: Authority, tmp_path: Path) -> None:
    issued = issue_serving_certificate(authority, dns_names=[UID], now=NOW - 2 * DAY, lifetime=DAY)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(issued, authority, UID, tmp_path)


def test_clocks_may_differ_a_little(authority: Authority, tmp_path: Path) -> None:
    issued = issue_serving_certificate(authority, dns_names=[UID], now=NOW + timedelta(minutes=5), lifetime=DAY)
    handshake(issued, authority, UID, tmp_path)


def test_a_pods_certificate_signs_no_certificates(authority: Authority) -> None:
    issued = issue_serving_certificate(authority, dns_names=[UID], now=NOW, lifetime=DAY)
    extensions = x509.load_pem_x509_certificate(issued.certificate_pem.encode()).extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_it_ends_when_it_says(authority: Authority) -> None:
    issued = issue_serving_certificate(authority, dns_names=[UID], now=NOW, lifetime=DAY)
    assert issued.not_after == (NOW + DAY).replace(microsecond=0)
    assert x509.load_pem_x509_certificate(issued.certificate_pem.encode()).not_valid_after_utc == issued.not_after


def test_it_never_outlives_the_authority(authority: Authority) -> None:
    late = NOW + AUTHORITY_LIFETIME - DAY
    issued = issue_serving_certificate(authority, dns_names=[UID], now=late, lifetime=10 * DAY)
    assert issued.not_after == (NOW + AUTHORITY_LIFETIME).replace(microsecond=0)


def test_an_authority_that_has_ended_signs_nothing(authority: Authority) -> None:
    with pytest.raises(ValueError, match="authority expired at"):
        issue_serving_certificate(authority, dns_names=[UID], now=NOW + AUTHORITY_LIFETIME + DAY, lifetime=DAY)


def test_a_certificate_needs_a_name(authority: Authority) -> None:
    with pytest.raises(ValueError, match="at least one"):
        issue_serving_certificate(authority, dns_names=[], now=NOW, lifetime=DAY)


def test_an_authority_is_checked_before_it_is_used(authority: Authority) -> None:
    check_authority(authority)
    other = new_authority(NOW)
    with pytest.raises(ValueError, match="not readable"):
        check_authority(Authority(certificate_pem="x", key_pem=authority.key_pem))
    with pytest.raises(ValueError, match="not readable"):
        check_authority(Authority(certificate_pem=authority.certificate_pem, key_pem=""))
    with pytest.raises(ValueError, match="another certificate"):
        check_authority(Authority(certificate_pem=authority.certificate_pem, key_pem=other.key_pem))


def test_private_keys_are_not_shown(authority: Authority) -> None:
    issued = issue_serving_certificate(authority, dns_names=[UID], now=NOW, lifetime=DAY)
    assert "PRIVATE" not in repr(authority) + repr(issued)

"""The certificate authority of an installation and the server certificates that it signs.

All keys are EC keys on P-256. The operator creates the authority once (Secret `taskyard-keys`); the gateway signs its
own certificate and, when a sidecar enrols, the Pod's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME = timedelta(days=3650)
POD_CERTIFICATE_LIFETIME = timedelta(days=30)

# Clocks of nodes differ: a certificate is valid from a little before its creation.
_CLOCK_SKEW = timedelta(minutes=10)


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its certificate and its private key (PKCS #8), both PEM."""

    certificate_pem: str
    key_pem: str = field(repr=False)


@dataclass(frozen=True)
class ServingCertificate:
    """A server's certificate and private key (PKCS #8), both PEM, and when the certificate expires (UTC)."""

    certificate_pem: str
    key_pem: str = field(repr=False)
    not_after: datetime


def new_authority(now: datetime) -> Authority:
    """Make a self-signed authority that is valid for ten years from `now` (an aware datetime)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Taskyard")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate_pem=_certificate_pem(certificate), key_pem=_key_pem(key))


def issue_serving_certificate(
    authority: Authority, *, dns_names: Sequence[str], now: datetime, lifetime: timedelta
) -> ServingCertificate:
    """Sign a server certificate for `dns_names` (at least one), with a new private key.

    It is valid from `now` (an aware datetime) for `lifetime`, but never longer than the authority. Raises ValueError
    when the authority is unusable (unreadable PEM, another kind of key, a key of another certificate) or has expired.
    """
    if not dns_names:
        raise ValueError("a serving certificate needs at least one DNS name")
    issuer, issuer_key = _load(authority)
    not_after = min(now + lifetime, issuer.not_valid_after_utc).replace(microsecond=0)
    if not_after <= now:
        raise ValueError(f"the certificate authority expired at {issuer.not_valid_after_utc.isoformat()}")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        # Without a subject the names are in the SAN alone, which then has to be critical (RFC 5280, 4.2.1.6).
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in dns_names]), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return ServingCertificate(certificate_pem=_certificate_pem(certificate), key_pem=_key_pem(key), not_after=not_after)


def check_authority(authority: Authority) -> None:
    """Raise ValueError, saying what is wrong, when this authority cannot sign."""
    _load(authority)


def _load(authority: Authority) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate(authority.certificate_pem.encode())
        key = serialization.load_pem_private_key(authority.key_pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ValueError("the certificate authority is not readable PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the certificate authority's key is not an EC key")
    if key.public_key() != certificate.public_key():
        raise ValueError("the certificate authority's key belongs to another certificate")
    return certificate, key


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

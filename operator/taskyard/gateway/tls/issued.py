"""The gateway's own certificate: issued at the start, replaced in the running listener before it expires."""

import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path

from taskyard.core.security.certificates import Authority, ServingCertificate, issue_serving_certificate

LIFETIME = timedelta(days=30)


class IssuedCertificate:
    """A TLS context whose certificate can be replaced; open connections keep theirs."""

    def __init__(self, dns_names: tuple[str, ...]) -> None:
        self._dns_names = dns_names
        self._authority: Authority | None = None
        self._issued: ServingCertificate | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def is_due(self, authority: Authority, now: datetime) -> bool:
        """Whether a new one is needed: there is none, the authority has changed, or half of its lifetime is over."""
        issued = self._issued
        return issued is None or authority != self._authority or issued.not_after - now < LIFETIME / 2

    def renew(self, authority: Authority, now: datetime) -> datetime:
        """Issue a new one and serve it from now on. Returns its expiry. Raises ValueError when the authority cannot
        sign."""
        issued = issue_serving_certificate(authority, dns_names=self._dns_names, now=now, lifetime=LIFETIME)
        _load(self.context, issued)
        self._authority, self._issued = authority, issued
        return issued.not_after


def _load(context: ssl.SSLContext, certificate: ServingCertificate) -> None:
    # The library only reads files. A file in memory leaves no key on a disk and needs no writable folder.
    descriptor = os.memfd_create("taskyard-gateway", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "w") as file:
            file.write(certificate.certificate_pem + certificate.key_pem)
        context.load_cert_chain(Path("/proc/self/fd") / str(descriptor))
    finally:
        os.close(descriptor)

"""The server's certificate, which lives in memory alone."""

import os
import ssl


class CertificateError(ValueError):
    """Certificate and key are not usable together."""


class ServerCertificate:
    """`context` stays the same object: a renewed certificate counts from the next connection on."""

    def __init__(self) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def load(self, certificate: str, private_key: str) -> None:
        """Takes both as PEM. OpenSSL's interface in Python reads files only, so they pass through anonymous memory."""
        descriptor = os.memfd_create("taskyard-certificate", os.MFD_CLOEXEC)
        try:
            with open(descriptor, "w", closefd=False) as file:
                file.write(private_key.rstrip("\n") + "\n" + certificate)
            self.context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        except ssl.SSLError as error:
            raise CertificateError(f"the certificate from the gateway cannot be used: {error}") from error
        finally:
            os.close(descriptor)


def trust(ca_certificate: str) -> ssl.SSLContext:
    """A client's context that trusts that authority (PEM) and no other. Raises CertificateError."""
    try:
        return ssl.create_default_context(cadata=ca_certificate)
    except ssl.SSLError as error:
        raise CertificateError(f"TASKYARD_CA_CERTIFICATE holds no usable certificate: {error}") from error

"""The server's certificate, which is kept in memory only, and the trust in the gateway's."""

import os
import ssl


class CertificateError(ValueError):
    """A certificate, or certificate and key together, cannot be used."""


class ServerCertificate:
    """`context` stays the same object: a renewed certificate applies from the next connection on."""

    def __init__(self) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def load(self, certificate: str, private_key: str) -> None:
        """Loads both as PEM. Python's ssl module reads only files, so they pass through a file in anonymous memory."""
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
    """A client's context that trusts this authority (PEM) and no other. Raises CertificateError."""
    try:
        return ssl.create_default_context(cadata=ca_certificate)
    except ssl.SSLError as error:
        raise CertificateError(f"TASKYARD_CA_CERTIFICATE holds no usable certificate: {error}") from error

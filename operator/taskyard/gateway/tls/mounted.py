"""A certificate of the installation's own choice: a Secret mounted as files, served anew when they change."""

import asyncio
import contextlib
import logging
import ssl
from pathlib import Path

CHECK_SECONDS = 2.0

_logger = logging.getLogger(__name__)


class MountedCertificate:
    """A TLS context for `tls.crt` and `tls.key` of a folder; connections made before a change keep theirs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._served: bytes | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def load(self) -> bool:
        """Serve what the files hold; whether that is new. OSError or ValueError when they cannot be used."""
        found = (self._folder / "tls.crt").read_bytes() + (self._folder / "tls.key").read_bytes()
        if found == self._served:
            return False
        try:
            # Tried apart first: half of a new pair would break the context that is serving.
            for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.context):
                context.load_cert_chain(self._folder / "tls.crt", self._folder / "tls.key")
        except ssl.SSLError as error:
            raise ValueError(f"{self._folder}: {error}") from error
        self._served = found
        return True

    async def keep_fresh(self, stop: asyncio.Event, *, every: float = CHECK_SECONDS) -> None:
        """Until `stop`: take over files that have changed. Ones that cannot be used leave those in force."""
        reason = ""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)
            try:
                if self.load():
                    _logger.info("serving people with the new certificate of %s", self._folder)
                reason = ""
            except (OSError, ValueError) as error:
                if str(error) != reason:
                    reason = str(error)
                    _logger.warning("keeping the certificate in force: %s", reason)

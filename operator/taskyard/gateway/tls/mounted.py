"""A certificate supplied by the installation: a Secret mounted as files, reloaded when they change."""

import asyncio
import contextlib
import logging
import ssl
from pathlib import Path

CHECK_SECONDS = 2.0

logger = logging.getLogger(__name__)


class MountedCertificate:
    """A TLS context for `tls.crt` and `tls.key` of a folder; open connections keep the certificate that they have."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._served: bytes | None = None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def load(self) -> bool:
        """Serve the files' certificate. Returns whether it is new. Raises OSError or ValueError when it is unusable."""
        found = (self._folder / "tls.crt").read_bytes() + (self._folder / "tls.key").read_bytes()
        if found == self._served:
            return False
        try:
            # Loaded into a separate context first: half of a new pair would break the one in use.
            for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.context):
                context.load_cert_chain(self._folder / "tls.crt", self._folder / "tls.key")
        except ssl.SSLError as error:
            raise ValueError(f"{self._folder}: {error}") from error
        self._served = found
        return True

    async def keep_fresh(self, stop: asyncio.Event, *, every: float = CHECK_SECONDS) -> None:
        """Until `stop`: reload changed files. If they are unusable, the current certificate stays in use."""
        reason = ""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)
            try:
                if self.load():
                    logger.info("serving people with the new certificate in %s", self._folder)
                reason = ""
            except (OSError, ValueError) as error:
                if str(error) != reason:
                    reason = str(error)
                    logger.warning("keeping the certificate in force: %s", reason)

"""Sends CloudEvents to webhooks, signed as Standard Webhooks does."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

import aiohttp
from cloudevents.core.bindings.http import to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks.webhooks import Webhook
from yarl import URL

from taskyard import __version__
from taskyard.core import times
from taskyard.notifier.egress_proxy import EgressProxy
from taskyard.notifier.fault import OF_THE_MESSAGE, DeliveryError
from taskyard.notifier.guarded_dns import GuardedDns

SECONDS = 15.0
CONNECT_SECONDS = 5.0
MAX_REDIRECTS = 3
# Redirects that keep the method and the body.
REDIRECTS = (307, 308)
MAX_RETRY_AFTER_SECONDS = 900
MAX_ADDRESS_CHARACTERS = 2048
SECRET_PREFIX = "whsec_"
SECRET_BYTES = (24, 64)
OF_THE_SECRET = "the address in the Secret"
OF_A_REDIRECT = "the address that the receiver redirects to"


class Webhooks:
    """Connections to receivers: with TLS by `egress`, if there is one and it leads there. `plain_http` allows addresses
    without TLS."""

    def __init__(
        self,
        dns: GuardedDns,
        *,
        tls: ssl.SSLContext,
        plain_http: bool,
        clock: Callable[[], datetime],
        egress: EgressProxy | None = None,
    ) -> None:
        self._dns = dns
        self._egress = egress
        self._plain_http = plain_http
        self._clock = clock
        guarded = aiohttp.TCPConnector(
            resolver=dns, socket_factory=dns.checked_socket, use_dns_cache=False, ssl=tls, limit=0
        )
        self._session = _session(guarded)
        # The proxy itself may have any address.
        self._by_proxy = _session(aiohttp.TCPConnector(use_dns_cache=False, ssl=tls, limit=0)) if egress else None

    async def close(self) -> None:
        await self._session.close()
        if self._by_proxy is not None:
            await self._by_proxy.close()

    async def check(self, address: str, secret: str) -> None:
        """Raises DeliveryError when nothing could be sent to an address."""
        where = self._parsed(address, OF_THE_SECRET)
        _key(secret)
        if self._is_by_proxy(where):
            await self._dns.check(str(where.raw_host), where.port or 443)
        else:
            await self._dns.addresses(str(where.raw_host), where.port or 443)

    async def send(self, address: str, secret: str, attributes: dict[str, str], data: dict[str, Any]) -> None:
        """Deliver one event; returns once the receiver has taken it. Raises DeliveryError."""
        event = CloudEvent(
            attributes={**attributes, "time": times.parse(attributes["time"]), "datacontenttype": "application/json"},
            data=data,
        )
        message = to_structured(event, JSONFormat())
        headers = {**message.headers, **self._signature(secret, attributes["id"], message.body)}
        where = self._parsed(address, OF_THE_SECRET)
        for _ in range(MAX_REDIRECTS + 1):
            target = await self._post(where, message.body, headers)
            if target is None:
                return
            where = self._parsed(_joined(where, target), OF_A_REDIRECT)
        raise DeliveryError("DeliveryFailed", f"the receiver redirects more than {MAX_REDIRECTS} times")

    async def _post(self, where: URL, body: bytes, headers: dict[str, str]) -> str | None:
        """One request. Returns where it was redirected to, None once the event was taken."""
        host, session, by = str(where.raw_host), self._session, dict[str, Any]()
        if self._egress is not None and self._by_proxy is not None and self._is_by_proxy(where):
            await self._dns.check(host, where.port or 443)
            session, by = self._by_proxy, {"proxy": self._egress.url, "proxy_headers": self._egress.headers}
        elif ":" in host or host.rstrip(".")[-1:].isdigit():
            await self._dns.addresses(host, where.port or 443)  # aiohttp looks up no host that looks like an address
        try:
            limits = aiohttp.ClientTimeout(total=SECONDS, connect=CONNECT_SECONDS)
            async with session.post(
                where, data=body, headers=headers, allow_redirects=False, timeout=limits, **by
            ) as answer:
                if 200 <= answer.status < 300:
                    return None
                if answer.status in REDIRECTS and answer.headers.get("Location"):
                    return answer.headers["Location"]
                raise DeliveryError(
                    "DeliveryFailed",
                    f"{host} answered {answer.status} {_phrase(answer.status)}".rstrip() + _remedy(answer.status),
                    retry_after=_retry_after(answer.status, answer.headers.get("Retry-After", "")),
                    is_of_message=answer.status in OF_THE_MESSAGE,
                )
        except TimeoutError:
            raise DeliveryError("DeliveryFailed", f"{host} did not answer within {SECONDS:g} s") from None
        except aiohttp.ClientConnectorCertificateError as error:
            raise DeliveryError(
                "DeliveryFailed", f"the certificate of {host} is not trusted: {_cause(error)}"
            ) from None
        except aiohttp.ClientHttpProxyError as error:
            raise DeliveryError(
                "DeliveryFailed",
                f"the installation's proxy does not connect to {host}: it answered {error.status}",
            ) from None
        except aiohttp.ClientProxyConnectionError as error:
            raise DeliveryError(
                "DeliveryFailed", f"the installation's proxy cannot be reached: {_cause(error)}"
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The error itself may say the whole address, which is secret.
            raise DeliveryError("DeliveryFailed", f"{host} cannot be reached: {_cause(error)}") from None

    def _is_by_proxy(self, where: URL) -> bool:
        if self._egress is None or where.scheme != "https":
            return False
        return self._egress.leads_to(str(where.raw_host), where.port or 443)

    def _parsed(self, address: str, called: str) -> URL:
        """The address, as the one parser reads it that also connects."""
        try:
            where = URL(address) if len(address) <= MAX_ADDRESS_CHARACTERS else URL()
            valid = where.absolute and bool(where.host) and where.port != 0
        except ValueError:
            where, valid = URL(), False
        if not valid or where.scheme not in ("https", "http"):
            raise DeliveryError("AddressInvalid", f"{called} is not a URL that begins with https://")
        if where.user is not None or where.password is not None:
            raise DeliveryError("AddressInvalid", f"{called} has a user name; receivers verify the signature instead")
        if where.scheme == "http" and not self._plain_http:
            raise DeliveryError(
                "AddressRefused",
                f"{called}, at {where.raw_host}, begins with http://, so that anybody on the way could read what "
                "is sent; use https://, or have it allowed in the Helm values (notifier.allow.plainHttp)",
            )
        return where

    def _signature(self, secret: str, id_: str, body: bytes) -> dict[str, str]:
        """The headers of Standard Webhooks; without a secret there is no signature."""
        now = self._clock()
        headers = {"webhook-id": id_, "webhook-timestamp": str(int(now.timestamp()))}
        if key := _key(secret):
            headers["webhook-signature"] = Webhook(key).sign(id_, now, body.decode())
        return headers


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"User-Agent": f"taskyard-notifier/{__version__}"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


def _key(secret: str) -> bytes:
    """The key in a signing secret; empty without one. Raises DeliveryError."""
    least, most = SECRET_BYTES
    text = secret.strip().removeprefix(SECRET_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if secret and not least <= len(key) <= most:
        raise DeliveryError(
            "KeyInvalid",
            f"the signing secret is not base64 of {least} to {most} bytes; make one with: "
            "echo whsec_$(openssl rand -base64 32)",
        )
    return key


def _joined(where: URL, location: str) -> str:
    """The address of a redirect, which may be a part of one. Raises DeliveryError."""
    try:
        return str(where.join(URL(location)))
    except ValueError:
        return ""  # what is no address either


def _cause(error: BaseException) -> str:
    """What went wrong, without any address: that may hold a secret."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and not isinstance(found, aiohttp.ClientError):
            if isinstance(found, ssl.SSLError):
                return getattr(found, "verify_message", "") or found.reason or "TLS failed"
            return os.strerror(found.errno) if found.errno else type(found).__name__
        found = getattr(found, "os_error", None) or found.__cause__ or found.__context__
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it closed the connection without an answer"
    return "what it answered is no HTTP" if isinstance(error, aiohttp.ClientResponseError) else type(error).__name__


def _phrase(status: int) -> str:
    """The status in words; the receiver's own text is a stranger's."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _remedy(status: int) -> str:
    if status in (401, 403):
        return "; check the address and the signing secret in the Secret"
    if status in (404, 410):
        return "; check the address in the Secret"
    if status in OF_THE_MESSAGE:
        return "; it is sent again, and others meanwhile"
    if 300 <= status < 400:
        return "; put the address that it redirects to into the Secret"
    return ""


def _retry_after(status: int, text: str) -> float | None:
    """The seconds of a header Retry-After; dates are not read. Who is gone for good is asked as rarely as can be, and
    still asked: the Secret may name another address by then."""
    if status == HTTPStatus.GONE:
        return float(MAX_RETRY_AFTER_SECONDS)
    digits = text.strip()
    if not digits.isascii() or not digits.isdecimal():
        return None
    return float(min(int(digits[:9]), MAX_RETRY_AFTER_SECONDS))


def trusted(certificates: str) -> ssl.SSLContext:
    """TLS by the certificates of a file. Raises OSError when it cannot be read."""
    return ssl.create_default_context(cafile=certificates)

"""Calls to the Kubernetes API server with plain dictionaries, for the one module of each process that makes them.

Addresses, credentials and TLS are read by the asyncio client of Kubernetes. Requests are made without it: it looks up
proxies and netrc at each one, which cost more than all else that a request costs here.
"""

from __future__ import annotations

import importlib.util
import os
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec

# Importing these packages themselves would load the blocking client, informers, all ways to log in, and what they
# depend on: fifteen megabytes and a third of the start, for nothing that is used here.
if "kubernetes" not in sys.modules:
    for _name in ("kubernetes", "kubernetes.aio", "kubernetes.aio.config"):
        if (_package := importlib.util.find_spec(_name)) is not None:
            sys.modules[_name] = importlib.util.module_from_spec(_package)

from kubernetes.aio.client import Configuration
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.incluster_config import load_incluster_config

from taskyard.core import api_warnings
from taskyard.core.refusal import Answer, is_refusal

Object = dict[str, Any]

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
DEFAULT_KUBECONFIG = str(Path("~/.kube/config").expanduser())
# Called for each request with its HTTP method (WATCH for a watch) and the response's status, 0 when there was none.
RequestObserver = Callable[[str, int], None]

# Called before a request is made, and again right before its body is sent: connecting may take long, and longer when
# the process is suspended meanwhile. An exception from it ends the request.
Permit = Callable[[], None]

# Makes an object of JSON. Raises ValueError.
Parse = Callable[[bytes], Object]
_permit: ContextVar[Permit | None] = ContextVar("permit", default=None)

CALL_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
# A line of a watch is one object. etcd bounds it at 1.5 MiB, in a form in which a character has a byte; in JSON it may
# have six of them.
LINE_BYTES = 16 << 20
READ_BUFFER = 1 << 18
CHUNK = 1 << 16


class ApiError(Exception):
    """The API server gave no usable response; the text is one line and fit for a log.

    `status` is the HTTP status, 0 when there was none; `reason` is that of Kubernetes (`NotFound`, `AlreadyExists`,
    `Conflict`, `Forbidden`, `Invalid`, …), and `causes` are the reasons in its details.
    """

    def __init__(
        self, what: str, message: str, *, status: int = 0, reason: str = "", causes: tuple[str, ...] = ()
    ) -> None:
        super().__init__(f"{what}: {message}")
        self.message = message
        self.status = status
        self.reason = reason
        self.causes = causes

    @property
    def answer(self) -> Answer:
        """What the API server answered, for the table of refusals."""
        return Answer(self.status, self.message, self.reason, self.causes)

    @property
    def is_namespace_terminating(self) -> bool:
        return self.status == 403 and "NamespaceTerminating" in self.causes

    @property
    def is_refusal(self) -> bool:
        """Whether the object itself was refused: sending the same again does not help."""
        return is_refusal(self.answer) and not self.is_namespace_terminating


class TooLargeError(ApiError):
    """The answer is larger than the caller wants to hold in memory; the rest of it was not read."""


class MissingError(ApiError):
    """The object to read or write does not exist."""


class ConflictError(ApiError):
    """Someone else wrote first, or the object already exists: read again, then decide again."""


class Connection:
    """An API server and the credentials for it. All calls may raise ApiError."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        user_agent: str,
        observe: RequestObserver | None = None,
    ) -> None:
        self._configuration = configuration
        self._observe = observe or (lambda verb, status: None)
        self._headers = {"User-Agent": user_agent}
        self._base: str = configuration.host
        self._encode = msgspec.json.Encoder().encode
        self._routing = routing(configuration)
        last_moment = aiohttp.TraceConfig()
        last_moment.on_request_chunk_sent.append(ask_permit)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=configuration.connection_pool_maxsize, ssl=tls(configuration)),
            trace_configs=[last_moment],
            read_bufsize=READ_BUFFER,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
        accept: str = JSON,
        permit: Permit | None = None,
        bearer: str | None = None,
        audit_id: str | None = None,
        parse: Parse = msgspec.json.decode,
        warned: Callable[[str], None] | None = None,
    ) -> Object:
        """Make one request and return the object in its response, in the form that `accept` asks for, as `parse` reads
        it. Nothing of a `body` is sent once `permit` raises. `bearer` is a token to use instead of the connection's own
        credentials, `audit_id` is what the API server's audit log calls the request. `warned` is called with each
        warning of the answer, whatever its status."""
        what = f"{method} {path}"
        if permit:
            permit()
        token = _permit.set(permit)
        try:
            response = await self._send(
                what,
                method,
                path,
                body=body,
                query=query,
                content_type=content_type,
                limits=CALL_TIMEOUT,
                accept=accept,
                bearer=bearer,
                audit_id=audit_id,
                warned=warned,
            )
        except ApiError as error:
            # The client reports an exception of a late permit as a broken connection.
            if permit and not error.status:
                permit()
            raise
        finally:
            _permit.reset(token)
        content = await _content(what, response)
        try:
            answer = parse(content)
        except (ValueError, RecursionError) as error:
            raise ApiError(what, "the API server's answer cannot be read", status=response.status) from error
        return answer

    async def read(self, path: str, *, query: Mapping[str, str], accept: str = JSON, limit: int) -> bytes:
        """The body of a GET. Raises TooLargeError once it has more than `limit` bytes."""
        what = f"GET {path}"
        response = await self._send(
            what, "GET", path, body=None, query=query, content_type=JSON, limits=CALL_TIMEOUT, accept=accept
        )
        return await _content(what, response, limit=limit)

    async def stream(
        self, path: str, *, query: Mapping[str, str], idle_timeout: float, accept: str = JSON
    ) -> AsyncIterator[bytes]:
        """The lines of a watch, until the server ends it or sends nothing for `idle_timeout` seconds."""
        what = f"GET {path}"
        limits = aiohttp.ClientTimeout(total=None, connect=5, sock_read=idle_timeout)
        response = await self._send(
            what, "GET", path, body=None, query=query, content_type=JSON, limits=limits, verb="WATCH", accept=accept
        )
        try:
            held, searched = bytearray(), 0
            async for chunk in response.content.iter_any():
                held += chunk
                while (end := held.find(b"\n", searched)) >= 0:
                    line = bytes(held[:end])
                    del held[: end + 1]
                    searched = 0
                    if line:
                        yield line
                searched = len(held)
                if searched > LINE_BYTES:
                    raise ApiError(what, f"the watch sent a line of more than {LINE_BYTES:,} bytes")
            if held:
                yield bytes(held)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiError(what, f"the watch broke off: {one_line(error)}") from error
        finally:
            response.close()

    async def _send(
        self,
        what: str,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str] | None,
        content_type: str,
        limits: aiohttp.ClientTimeout,
        verb: str | None = None,
        accept: str = JSON,
        bearer: str | None = None,
        audit_id: str | None = None,
        warned: Callable[[str], None] | None = None,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": accept, "Content-Type": content_type, **self._headers}
        if audit_id:
            headers["Audit-ID"] = audit_id
        url = f"{self._base}{path}?{urlencode(query)}" if query else self._base + path
        status = 0
        try:
            authorization = f"Bearer {bearer}" if bearer is not None else await self._authorization()
            if authorization:
                headers["Authorization"] = authorization
            response = await self._session.request(
                method,
                url,
                data=None if body is None else self._encode(body),
                headers=headers,
                timeout=limits,
                **self._routing,
            )
            status = response.status
            if warned:
                for text in api_warnings.texts(response.headers.getall("Warning", ())):
                    warned(text)
            if status < 300:
                return response
            content = await response.read()
        except TimeoutError as error:
            raise ApiError(what, "the API server did not answer in time") from error
        except (aiohttp.ClientError, OSError, ConfigException) as error:
            raise ApiError(what, f"the API server cannot be reached: {one_line(error)}") from error
        finally:
            self._observe(verb or method, status)
        raise refusal(what, status, content)

    async def _authorization(self) -> str | None:
        """The header's value by the connection's own credentials, read again where they change with time."""
        return await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")


def tls(configuration: Configuration) -> ssl.SSLContext:
    """What a configuration says about TLS. Raises OSError, of which SSLError is one, for certificates that cannot be
    read."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert, cadata=configuration.ca_cert_data)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.disable_strict_ssl_verification:
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def routing(configuration: Configuration) -> dict[str, Any]:
    """How requests reach the API server, as arguments of each: by the proxy of the kubeconfig, else by the one that the
    environment variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name, read once."""
    found: dict[str, Any] = {}
    proxy = configuration.proxy or _proxy_of_environment(configuration.host)
    if proxy:
        found["proxy"] = proxy
    if configuration.proxy_headers:
        found["proxy_headers"] = configuration.proxy_headers
    if configuration.tls_server_name:
        found["server_hostname"] = configuration.tls_server_name
    return found


def _proxy_of_environment(address: str) -> str | None:
    where, proxies = urlsplit(address), getproxies()
    if where.hostname is None:
        return None
    # With its port, which an exception may name, and alone: an IPv6 address has brackets only with a port.
    if proxy_bypass(where.netloc.rpartition("@")[2]) or proxy_bypass(where.hostname):
        return None
    return proxies.get(where.scheme) or proxies.get("all")


async def _content(what: str, response: aiohttp.ClientResponse, *, limit: int | None = None) -> bytes:
    """The body of a response. Raises ApiError when it breaks off, TooLargeError beyond `limit` bytes."""
    try:
        if limit is None:
            return await response.read()
        if (response.content_length or 0) > limit:
            response.close()
            raise TooLargeError(what, f"the answer has more than {limit:,} bytes", status=response.status)
        content = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK):
            content += chunk
            if len(content) > limit:
                response.close()
                raise TooLargeError(what, f"the answer has more than {limit:,} bytes", status=response.status)
        return bytes(content)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ApiError(what, f"the answer broke off: {one_line(error)}") from error


async def connect(
    *, user_agent: str, kubeconfig: str = "", observe: RequestObserver | None = None, anonymous: bool = False
) -> Connection:
    """A connection from a kubeconfig if one is named, else from the Pod's service account, else from the user's
    kubeconfig.

    With `anonymous` it has only the API server's address and certificate authority, for calls with a `bearer` of their
    own. Raises ApiError when there are no credentials, or when they cannot be read.
    """
    # A configuration of our own: the client's shared default would be changed for everything in the process.
    configuration = Configuration()
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST") and not kubeconfig:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            # Inside a cluster none of it is needed.
            from kubernetes.aio.config.kube_config import load_kube_config

            await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=kubeconfig or DEFAULT_KUBECONFIG,
                client_configuration=configuration,
                persist_config=False,
            )
        if anonymous:
            _forget_credentials(configuration)
        return Connection(configuration, user_agent=user_agent, observe=observe)
    except (ConfigException, OSError, ValueError) as error:
        raise ApiError("credentials for the API server", one_line(error)) from error


def _forget_credentials(configuration: Configuration) -> None:
    """Above all a client certificate: the API server would take its owner for the caller, whatever token is sent."""
    configuration.cert_file = configuration.key_file = None
    configuration.api_key, configuration.api_key_prefix = {}, {}
    configuration.refresh_api_key_hook = None
    configuration.username = configuration.password = None


async def ask_permit(session: aiohttp.ClientSession, context: object, chunk: object) -> None:
    """Called by the client right before it writes a body, together with which it sends the head."""
    permit = _permit.get()
    if permit:
        permit()


def refusal(what: str, status: int, content: bytes) -> ApiError:
    """The error that a Kubernetes `Status` document describes; of any other content the beginning is quoted."""
    try:
        document = msgspec.json.decode(content)
    except (ValueError, RecursionError):
        document = None
    kind = {404: MissingError, 409: ConflictError}.get(status, ApiError)
    if not isinstance(document, dict):
        return kind(what, content[:200].decode(errors="replace").strip() or f"status {status}", status=status)
    details = document.get("details") or {}
    causes = tuple(str(cause.get("reason", "")) for cause in details.get("causes") or ())
    message = " ".join(str(document.get("message", "")).split()) or f"status {status}"
    return kind(what, message, status=status, reason=str(document.get("reason", "")), causes=causes)


def one_line(error: BaseException) -> str:
    """An exception's text on one line, or its type when it has none."""
    return " ".join(str(error).split()) or type(error).__name__

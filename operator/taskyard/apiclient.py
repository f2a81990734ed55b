"""Calls to the Kubernetes API server with plain dictionaries, for the one module of each process that makes them.

It uses the generic part of the asyncio client (addresses, credentials, TLS); the typed models would cost memory and
bring nothing here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

# Importing the package itself would load its blocking half with its dependencies: seven megabytes that nothing uses.
if "kubernetes" not in sys.modules and (_package := importlib.util.find_spec("kubernetes")) is not None:
    sys.modules["kubernetes"] = importlib.util.module_from_spec(_package)

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

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
_permit: ContextVar[Permit | None] = ContextVar("permit", default=None)

CALL_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)


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


class MissingError(ApiError):
    """The object to read or write does not exist."""


class ConflictError(ApiError):
    """Someone else wrote first, or the object already exists: read again, then decide again."""


class Connection:
    """An API server and the credentials for it. All calls may raise ApiError."""

    def __init__(self, client: ApiClient, *, user_agent: str, observe: RequestObserver | None = None) -> None:
        self._client = client
        self._observe = observe or (lambda verb, status: None)
        self._client.user_agent = user_agent

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

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
    ) -> Object:
        """Make one request and return the object in its response, in the form that `accept` asks for. Nothing of a
        `body` is sent once `permit` raises. `bearer` is a token to use instead of the connection's own credentials."""
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
            )
        except ApiError as error:
            # The client reports an exception of a late permit as a broken connection.
            if permit and not error.status:
                permit()
            raise
        finally:
            _permit.reset(token)
        try:
            content = await response.read()
            answer: Object = json.loads(content)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiError(what, f"the answer broke off: {one_line(error)}") from error
        except ValueError as error:
            raise ApiError(what, "the API server's answer is not JSON", status=response.status) from error
        return answer

    async def stream(
        self, path: str, *, query: Mapping[str, str], idle_timeout: float, accept: str = JSON
    ) -> AsyncIterator[Object]:
        """The lines of a watch, until the server ends it or sends nothing for `idle_timeout` seconds."""
        what = f"GET {path}"
        limits = aiohttp.ClientTimeout(total=None, connect=5, sock_read=idle_timeout)
        response = await self._send(
            what, "GET", path, body=None, query=query, content_type=JSON, limits=limits, verb="WATCH", accept=accept
        )
        try:
            async for line in response.response.content:
                yield json.loads(line)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiError(what, f"the watch broke off: {one_line(error)}") from error
        except ValueError as error:
            raise ApiError(what, f"the watch sent no JSON: {one_line(error)}") from error
        finally:
            response.response.close()

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
    ) -> Any:
        headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": self._client.user_agent}
        url = self._client.configuration.host + path
        if query:
            url = f"{url}?{urlencode(query)}"
        status = 0
        try:
            if bearer is None:
                await self._client.update_params_for_auth(headers, None, ["BearerToken"], path, method, None)
            else:
                headers["Authorization"] = f"Bearer {bearer}"
            response = await self._client.call_api(
                method, url, header_params=headers, body=body, _request_timeout=limits
            )
            status = response.status
            if response.status < 300:
                return response
            content = await response.read()  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            raise ApiError(what, "the API server did not answer in time") from error
        except (aiohttp.ClientError, OSError, config.ConfigException) as error:
            raise ApiError(what, f"the API server cannot be reached: {one_line(error)}") from error
        finally:
            self._observe(verb or method, status)
        raise refusal(what, response.status, content)


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
    last_moment = aiohttp.TraceConfig()
    last_moment.on_request_chunk_sent.append(ask_permit)
    configuration.trace_configs = [last_moment]
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST") and not kubeconfig:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=kubeconfig or DEFAULT_KUBECONFIG,
                client_configuration=configuration,
                persist_config=False,
            )
        if anonymous:
            _forget_credentials(configuration)
        return Connection(ApiClient(configuration), user_agent=user_agent, observe=observe)
    except (config.ConfigException, OSError, ValueError) as error:
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
        document = json.loads(content)
    except ValueError:
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

"""Calls to the Kubernetes API server with plain dictionaries, for the one module of each process that makes them.

It stands on the generic part of the asyncio client (addresses, credentials, TLS); the typed models would cost memory
and give nothing here.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

Object = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
DEFAULT_KUBECONFIG = str(Path("~/.kube/config").expanduser())
CALL_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)


class ApiError(Exception):
    """The API server gave no usable answer; the text is one line and fit for a log.

    `status` is the HTTP status, 0 when there was none; `reason` is Kubernetes' own word (`NotFound`, `AlreadyExists`,
    `Conflict`, `Forbidden`, `Invalid`, …), and `causes` are the reasons of its details.
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
    def is_namespace_terminating(self) -> bool:
        return self.status == 403 and "NamespaceTerminating" in self.causes

    @property
    def is_refusal(self) -> bool:
        """The object itself was refused: trying the same again does not help."""
        return self.status in (400, 403, 422) and not self.is_namespace_terminating


class MissingError(ApiError):
    """What should be read or written to does not exist."""


class ConflictError(ApiError):
    """Someone else wrote first, or the object exists already: look again, then decide again."""


class Connection:
    """An API server and the credentials for it. All calls may raise ApiError."""

    def __init__(self, client: ApiClient, *, user_agent: str) -> None:
        self._client = client
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
        content_type: str = "application/json",
    ) -> Object:
        """One request, and the object that answers it."""
        what = f"{method} {path}"
        response = await self._send(
            what, method, path, body=body, query=query, content_type=content_type, limits=CALL_TIMEOUT
        )
        try:
            content = await response.read()
            answer: Object = json.loads(content)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiError(what, f"the answer broke off: {one_line(error)}") from error
        except ValueError as error:
            raise ApiError(what, "the API server's answer is not JSON", status=response.status) from error
        return answer

    async def stream(self, path: str, *, query: Mapping[str, str], idle_timeout: float) -> AsyncIterator[Object]:
        """The lines of a watch, until the server ends it or sends nothing for `idle_timeout` seconds."""
        what = f"GET {path}"
        limits = aiohttp.ClientTimeout(total=None, connect=5, sock_read=idle_timeout)
        response = await self._send(
            what, "GET", path, body=None, query=query, content_type="application/json", limits=limits
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
    ) -> Any:
        headers = {"Accept": "application/json", "Content-Type": content_type, "User-Agent": self._client.user_agent}
        url = self._client.configuration.host + path
        if query:
            url = f"{url}?{urlencode(query)}"
        try:
            await self._client.update_params_for_auth(headers, None, ["BearerToken"], path, method, None)
            response = await self._client.call_api(
                method, url, header_params=headers, body=body, _request_timeout=limits
            )
            if response.status < 300:
                return response
            content = await response.read()  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            raise ApiError(what, "the API server did not answer in time") from error
        except (aiohttp.ClientError, OSError, config.ConfigException) as error:
            raise ApiError(what, f"the API server cannot be reached: {one_line(error)}") from error
        raise refusal(what, response.status, content)


async def connect(*, user_agent: str, kubeconfig: str = "") -> Connection:
    """A connection for a kubeconfig if one is named, for the service account in a Pod, or for the user's kubeconfig.

    ApiError when there is neither, or when it cannot be read.
    """
    # With a copy of our own: the client's shared default would be changed for everything in the process.
    configuration = Configuration()
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST") and not kubeconfig:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=kubeconfig or DEFAULT_KUBECONFIG,
                client_configuration=configuration,
                persist_config=False,
            )
        return Connection(ApiClient(configuration), user_agent=user_agent)
    except (config.ConfigException, OSError, ValueError) as error:
        raise ApiError("credentials for the API server", one_line(error)) from error


def refusal(what: str, status: int, content: bytes) -> ApiError:
    """The error that a Kubernetes `Status` document tells; any other content is quoted from its beginning."""
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
    """An exception's text on one line, its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__

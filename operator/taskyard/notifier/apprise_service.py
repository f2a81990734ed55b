"""Sends texts by Apprise: mail and chat services, within the schemes and mail servers that the installation allows."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import re
import time
from collections.abc import Collection
from concurrent.futures import Future
from typing import Any

from taskyard.core.notifications.texts import Text
from taskyard.notifier.fault import OF_THE_MESSAGE, DeliveryError
from taskyard.notifier.shared_threads import NAMESPACE, SharedThreads

THREADS = 80
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
# Of each answer of a mail server: some let strangers wait for their greeting.
MAIL_SECONDS = 15.0
# Of one message, to all that its address names. After that no further request of it begins.
SECONDS = 45.0
NO_THREAD = "other services that do not answer hold all threads that this namespace may have"
MAX_TARGETS = 16
MAX_ADDRESS_CHARACTERS = 2048
MAIL = ("mailto", "mailtos")
MAIL_PREFIXES = tuple(f"{scheme}://" for scheme in MAIL)
# What a mail server has that is named without a port.
MAIL_PORTS = (25, 465, 587)
# The name under which the kind of a service keeps its finalizer.
ENDS = "taskyard_ends"
# As Apprise reads the scheme of an address.
_SCHEME = re.compile(r"([a-z0-9]{1,32})://", re.IGNORECASE)
# How Apprise's own log tells the answer of a service.
_STATUS = re.compile(r"error=(\d{3})\b")


class _OverdueError(Exception):
    """The time for a message is over."""


class AppriseServices:
    """Apprise blocks while it sends, so it does so in threads. Its HTTP goes through `proxy`, by the variables that its
    HTTP client reads; its mail goes to `mail_hosts` alone, each a host or `host:port`."""

    def __init__(self, *, schemes: Collection[str], mail_hosts: Collection[str], proxy: str, certificates: str) -> None:
        self._schemes = frozenset(schemes)
        self._mail_hosts = frozenset(host.lower() for host in mail_hosts)
        os.environ.update(dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), proxy))
        os.environ["REQUESTS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = certificates
        for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "CURL_CA_BUNDLE"):
            os.environ.pop(name, None)
        # It takes forty megabytes, and most of a second: after the variables, and only in this process.
        import apprise
        import apprise.manager_plugins
        import requests
        import urllib3

        # Its HTTP client asks for the proxy at each request, in the thread of the message.
        vars(requests.utils)["getproxies"] = lambda: dict.fromkeys(("https", "http"), _for_namespace(proxy))
        # An answer is read as a whole, and a few kilobytes of it may unpack to gigabytes.
        vars(requests.utils)["DEFAULT_ACCEPT_ENCODING"] = "identity"
        urllib3.response.BaseHTTPResponse.CONTENT_DECODERS = []
        self._apprise = apprise
        self._asset = apprise.AppriseAsset(
            app_id="Taskyard",
            app_desc="Taskyard",
            app_url="",
            secure_logging=True,
            plugin_paths=[],
            storage_mode=apprise.PersistentStoreMode.MEMORY,
            http_redirects=False,
            pgp_autogen=False,
            pem_autogen=False,
            # With a limit of its own Apprise sends in a few threads, which all sinks would share.
            service_timeout=0,
        )
        # Their logs show parts of addresses; Apprise's is read at the sending.
        apprise_log = logging.getLogger("apprise")
        apprise_log.propagate = False
        apprise_log.setLevel(logging.WARNING)
        apprise_log.addHandler(logging.NullHandler())
        for library in ("urllib3", "requests"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        self._threads = SharedThreads(THREADS, prefix="apprise")
        self._sending: dict[str, Future[DeliveryError | None]] = {}
        self._is_loaded = False

    def close(self) -> None:
        self._threads.close()

    async def check(self, address: str) -> None:
        """Raises DeliveryError when nothing could be sent to an address."""
        await self._load()
        self._service(address)

    async def send(self, address: str, text: Text) -> None:
        """Send one text; returns once the service has taken it. Raises DeliveryError."""
        await self._load()
        service = self._service(address)
        if not address.strip().lower().startswith(MAIL_PREFIXES):
            text = _without_mentions(text)
        key = hashlib.sha256(address.encode()).hexdigest()
        deadline, sending = time.monotonic() + SECONDS, None
        try:
            async with asyncio.timeout(SECONDS):
                await self._threads.wait()
                # A thread cannot be ended. An address has one at a time, whatever its service does.
                while (former := self._sending.get(key)) is not None:
                    await asyncio.wait([asyncio.wrap_future(former)])
                    await self._threads.wait()
                sending = self._threads.begin(self._notify, service, text, deadline)
                self._sending[key] = sending
                sending.add_done_callback(lambda _: self._sending.pop(key, None))
                found = await asyncio.wrap_future(sending)
        except TimeoutError:
            late = f"the service did not answer within {SECONDS:g} s"
            raise DeliveryError("DeliveryFailed", late if sending is not None else NO_THREAD) from None
        if found:
            raise found

    async def _load(self) -> None:
        """Apprise reads its plugins, some hundred and fifty, before the first address: in a thread, since that takes a
        second and more, in which nobody would renew the Lease. Without a sink of this type they are not in memory."""
        if not self._is_loaded:
            plugins = self._apprise.manager_plugins.NotificationManager()  # type: ignore[no-untyped-call]
            await asyncio.to_thread(plugins.load_modules)
            self._is_loaded = True

    def _notify(self, service: Any, text: Text, deadline: float) -> DeliveryError | None:
        """What prevented it; None once it was taken. Runs in a thread."""
        pause = service.throttle

        def throttle(last_io: Any = None, wait: float | None = None) -> None:
            """Called before each request, and to wait for as long as the service asks for."""
            if time.monotonic() + (wait or 0) >= deadline:
                raise _OverdueError
            pause(last_io=last_io, wait=wait)

        service.throttle = throttle
        one = self._apprise.Apprise(asset=self._asset)
        one.add(service)
        try:
            return self._taken(one, text)
        finally:
            _end(service)
            # It refers to the service's own method: in a circle, the service would end in any thread.
            del service.throttle

    def _taken(self, one: Any, text: Text) -> DeliveryError | None:
        lines: list[str] = []
        try:
            taken = one.notify(
                body=text.body,
                title=text.title,
                body_format=self._apprise.NotifyFormat.TEXT,
                log_callback=lambda entry, _: lines.append(entry.message),
            )
        except Exception as error:  # a plugin's defect is not ours, and its text may hold the address
            return DeliveryError("DeliveryFailed", f"Apprise failed ({type(error).__name__})")
        if taken:
            return None
        statuses = [int(match[1]) for match in map(_STATUS.search, lines) if match]
        if not statuses:
            return DeliveryError("DeliveryFailed", "the service could not be reached, or refused the text")
        is_of_message = all(status in OF_THE_MESSAGE for status in statuses)
        return DeliveryError("DeliveryFailed", f"the service answered {statuses[0]}", is_of_message=is_of_message)

    def _service(self, address: str) -> Any:
        """Apprise's object for an address. Raises DeliveryError, without the address: most of it is secret."""
        address = address.strip()
        found = _SCHEME.match(address) if len(address) <= MAX_ADDRESS_CHARACTERS else None
        if found is None:
            raise DeliveryError("AddressInvalid", "the address in the Secret is not a URL of Apprise's")
        scheme = found[1].lower()
        if scheme not in self._schemes:
            raise DeliveryError(
                "AddressRefused",
                f"{scheme}:// is not allowed in this installation; allowed are "
                f"{', '.join(sorted(self._schemes)) or 'none'} (notifier.allow.appriseSchemes in the Helm values)",
            )
        service = self._apprise.Apprise.instantiate(address, asset=self._asset)
        if service is None:
            raise DeliveryError("AddressInvalid", f"Apprise cannot read the {scheme}:// address in the Secret")
        _never_ends_by_itself(type(service))
        self._restrict(service)
        if scheme in MAIL:
            self._check_mail(service, scheme)
        return service

    def _restrict(self, service: Any) -> None:
        """What an address says must not read files of this process, hold its threads, or change what is promised.
        Raises DeliveryError."""
        if getattr(service, "template", None):
            raise DeliveryError(
                "AddressRefused", "the address in the Secret names a template, which is a file; leave ?template= out"
            )
        if any(getattr(service, name, None) for name in ("pgp_key", "pgp_privkey", "use_wkd")):
            raise DeliveryError(
                "AddressRefused",
                "the address in the Secret names keys of PGP, which are files; leave ?pgppub=, ?pgpprv= and ?wkd= out",
            )
        copies = len(getattr(service, "cc", ())) + len(getattr(service, "bcc", ()))
        if len(service) // (service.retry + 1) + copies > MAX_TARGETS:
            raise DeliveryError(
                "AddressRefused", f"the address in the Secret has more than {MAX_TARGETS} receivers; use several sinks"
            )
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
        service.retry, service.wait, service.optional = 0, 0.0, False
        service.redirects, service.verify_certificate = False, True
        if service.overflow_mode == self._apprise.OverflowMode.UPSTREAM:
            service.overflow_mode = self._apprise.OverflowMode.TRUNCATE

    def _check_mail(self, service: Any, scheme: str) -> None:
        """Raises DeliveryError when mail may not go where, or as, an address sends it."""
        if scheme == "mailtos" and str(getattr(service, "secure_mode", "")).lower().endswith("insecure"):
            raise DeliveryError(
                "AddressRefused", "the address in the Secret asks for mail without TLS; leave ?mode=insecure out"
            )
        host, port = str(getattr(service, "smtp_host", "")).lower(), service.port
        service.socket_connect_timeout = MAIL_SECONDS
        if f"{host}:{port}" not in self._mail_hosts and not (host in self._mail_hosts and port in MAIL_PORTS):
            raise DeliveryError(
                "AddressRefused",
                f"mail server {host}:{port} is not allowed in this installation "
                "(notifier.allow.mailServers in the Helm values)",
            )


def _for_namespace(proxy: str) -> str:
    """The proxy's URL, in which the user name says for whose sink it connects."""
    namespace = NAMESPACE.get()
    return proxy.replace("://", f"://{namespace}:-@") if namespace else proxy


def _without_mentions(text: Text) -> Text:
    """The same to read, but no `@everyone` of an agent's calls everybody in a chat."""
    return Text(text.title.replace("@", "@\u200b"), text.body.replace("@", "@\u200b"))


def _never_ends_by_itself(kind: type) -> None:
    """Some services log out by HTTP when they are forgotten, in whichever thread that happens: in that of the event
    loop it would wait for the proxy that the same loop serves. What they do then is kept as `ENDS`."""
    for each in kind.__mro__:
        if (end := vars(each).get("__del__")) is not None:
            setattr(each, ENDS, end)
            del each.__del__  # type: ignore[attr-defined]


def _end(service: Any) -> None:
    """End what a service has opened, such as a session of Matrix; what somebody else has got it leaves alone. Runs in
    a thread, within the time for the message."""
    with contextlib.suppress(Exception):  # the message is sent, or not, whatever comes of this
        getattr(service, ENDS, lambda: None)()

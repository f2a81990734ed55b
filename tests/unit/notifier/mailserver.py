"""A mail server on loopback that takes everything, and shows what it took."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import cast


@dataclass
class MailServer:
    """`commands` are all lines but those of the mails."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0


@contextlib.asynccontextmanager
async def mail_server(
    *, refuse: str = "", silent: bool = False, tls: ssl.SSLContext | None = None
) -> AsyncIterator[MailServer]:
    """A server that refuses the command `refuse`, or says nothing at all. With `tls` it offers STARTTLS."""
    found, serving = MailServer(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(cast("asyncio.Task[None]", asyncio.current_task()))
        found.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            if silent:
                await asyncio.sleep(3600)
            writer.write(b"220 mail.test ESMTP\r\n")
            while line := await reader.readline():
                command = line.decode().strip()
                found.commands.append(command)
                verb = command.partition(" ")[0].upper()
                if verb == refuse:
                    writer.write(b"550 5.7.1 refused by the test\r\n")
                elif verb == "EHLO":
                    offered = b"250-STARTTLS\r\n" if tls else b""
                    writer.write(b"250-mail.test\r\n" + offered + b"250-AUTH PLAIN\r\n250 8BITMIME\r\n")
                elif verb == "STARTTLS" and tls:
                    writer.write(b"220 go ahead\r\n")
                    await writer.drain()
                    await writer.start_tls(tls)
                elif verb == "AUTH":
                    writer.write(b"235 2.7.0 welcome\r\n")
                elif verb == "DATA":
                    writer.write(b"354 go ahead\r\n")
                    mail = await reader.readuntil(b"\r\n.\r\n")
                    message = email.message_from_bytes(mail[:-5], policy=email.policy.default)
                    found.mails.append(cast(EmailMessage, message))
                    writer.write(b"250 2.0.0 taken\r\n")
                elif verb == "QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                else:
                    writer.write(b"250 2.0.0 ok\r\n")
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

"""A scripted mail server for runs of finger with ports in memory, and helpers to run them."""

from dataclasses import dataclass, field

from OpenSSL import SSL

from scanner.facts import Failure
from tests.unit.mailserver import MailServer, server_context
from tests.unit.memory_ports import (
    ADDRESS,
    DOMAIN,
    HOST,
    MemoryPorts,
    Script,
    good_tlsa,
    lines,
    zone,
)

NAP = f"{HOST}[{ADDRESS}]:25"
CHAT = [f"Connected to {NAP}", "< 220 mx", "> EHLO me", "< 250-mx", "< 250 STARTTLS", "> STARTTLS", "< 220 go"]


@dataclass
class MailScript:
    """An honest server; each reply can be replaced, None hangs up."""

    context: SSL.Context | None = field(default_factory=server_context)
    greeting: bytes | None = b"220 mx\r\n"
    ehlo: bytes | None = b"250-mx\r\n250 STARTTLS\r\n"
    starttls: bytes | None = b"220 go\r\n"
    ehlo_tls: bytes | None = b"250 mx\r\n"
    quit: bytes | None = b"221 bye\r\n"
    implicit: bool = False
    heard: list[str] = field(default_factory=list)

    async def __call__(self, server: MailServer) -> None:
        secured = self.implicit
        if self.implicit and self.context is not None:
            await server.secure(self.context)
        await self.answer(server, self.greeting)
        while command := (await server.hear()).decode().strip():
            self.heard.append(command)
            if command.startswith(("EHLO", "LHLO")):
                await self.answer(server, self.ehlo_tls if secured else self.ehlo)
            elif command == "STARTTLS":
                await self.answer(server, self.starttls)
                if self.context is not None:
                    await server.secure(self.context)
                    secured = True
            else:
                await self.answer(server, self.quit)

    async def answer(self, server: MailServer, reply: bytes | None) -> None:
        if reply is None:
            await server.stream.aclose()
            raise EOFError
        await server.say(reply)


async def run(*argv: str, tlsa: tuple[str, ...] = (good_tlsa(),), mx: Script | Failure | None = None) -> list[str]:
    return await lines(MemoryPorts(zone(*tlsa), [mx or MailScript()]), *argv, DOMAIN)


def kinds(printed: list[str]) -> list[str]:
    """Lines cut to what they are about."""
    return [line.split(" TLS connection")[0].split(f"{NAP}: ")[-1].split(":")[0].split("=")[0] for line in printed]

"""MTA-STS: TXT records, policies, and HTTP responses, in which any split of the same octets gives the same result."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import trio

from results.store.codec import decode, encode
from scanner.core.sts.discovery import discovery, with_response, worth_retry
from scanner.core.sts.domain_verdict import with_sts
from scanner.core.sts.policy_file import Patterns
from scanner.core.sts.records import sts_report, tlsrpt_report
from scanner.model import DomainRecord
from scanner.net.https import BODY_LIMIT, HTTPSResult, _Request
from scanner.vocabulary import Phase
from tests.unit import records, sts
from tests.unit.fakes import DOMAIN
from tests.unit.pki import NOW

_TEXTS = (
    "v=STSv1; id=1", "v=STSv1;id=a;x=y", "v=TLSRPTv1; rua=mailto:a@b", "v=spf1 -all", "id=1", ";", "\\200", '"',
    "\u0661", "v=STSv1", " ", "rua=https://x/,mailto:y@z", "\x1b[31m", "=",
)  # fmt: skip
_LINES = (
    "version: STSv1", "mode: enforce", "mode: testing", "mode: none", "max_age: 86400", "max_age: 99999999999",
    "mx: a.example", "mx: *.example", "mx: 192.0.2.1", "mx: *", "mx:", "x: y", "\u202e: \u00e4", "no colon", "",
    "\ufeff",
)  # fmt: skip
_HEADS = (
    "HTTP/1.1 200 OK", "HTTP/1.1 301 Moved", "HTTP/1.0 200 OK", "HTTP/1.1 100 Continue", "HTTP/1.1 999 ?", "220 smtp",
    "Content-Length: 20", "Content-Length: 0", "Content-Length: -1", "Content-Length: 99999999999999999999",
    "Transfer-Encoding: chunked", "Content-Type: text/plain; charset=x", "Content-Encoding: gzip", "X: " + "y" * 20_000,
    "Connection: upgrade", "bad header", "", "5", "0", "ffffffffffffffff", "hello",
)  # fmt: skip


def make(chance: random.Random) -> bytes:
    """Return the octets of a policy, a response or records: lines that fit together now and then, with mutations."""
    pool = chance.choice((_LINES, _HEADS))
    lines = [chance.choice(pool) for _ in range(chance.randrange(12))]
    if pool is _HEADS and chance.random() < 0.8:
        lines = [_HEADS[0], *lines[:3], "", *lines[3:]]
    text = chance.choice(("\r\n", "\n")).join(lines)
    octets = bytearray(text.encode())
    for _ in range(chance.choice((0, 0, 1, 3))):
        octets.insert(chance.randrange(len(octets) + 1), chance.randrange(256))
    return bytes(octets)


def rdata(chance: random.Random) -> tuple[str, ...]:
    """Return TXT records in presentation format, or not."""
    return tuple(
        chance.choice(('"{}"', "{}", '"{}" "x"')).format("".join(chance.choices(_TEXTS, k=chance.randrange(4))))
        for _ in range(chance.randrange(4))
    )


def check_policy(octets: bytes, texts: tuple[str, ...]) -> None:
    """Judge a domain with this policy and these records, and store the result.

    Raises:
        AssertionError: the record changes when it is stored, or a policy is used that its record does not announce.
    """
    report = sts_report(DOMAIN, sts.txt(*texts), NOW)
    assert discovery(report).policy is None
    report = with_response(replace(report, **_addresses()), (sts.FETCH,), octets)
    found = discovery(report)
    assert (found.policy is None) != (found.why is None)
    assert found.policy is None or report.record == "valid"
    worth_retry(report)
    if report.policy is not None:
        Patterns(report.policy.mx).match("a.example")
    domain = records.domain(sts=report, tlsrpt=tlsrpt_report(sts.txt(*texts)))
    host = records.report(key=domain.hosts[0].report)
    judged = with_sts(domain, "a.example", [host], {records.DIGEST: records.cert()})
    assert encode(decode(DomainRecord, encode(judged))) == encode(judged)


def _addresses() -> dict[str, Any]:
    report = sts.report()
    return {"a": report.a, "aaaa": report.aaaa}


class _Peer:
    """A TLS session that receives given octets in given pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def send_all(self, _data: bytes) -> None:
        await trio.lowlevel.checkpoint()

    async def receive_some(self, _max_bytes: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def check_response(octets: bytes, chance: random.Random) -> None:
    """Read a response with several splits of the same octets.

    Raises:
        AssertionError: a split changes the result, or a limit is exceeded.
    """
    split = sorted(chance.randrange(len(octets) + 1) for _ in range(3))
    pieces = [octets[a:b] for a, b in zip((0, *split), (*split, len(octets)), strict=True)]
    found = [_read(list(filter(None, each))) for each in ([octets], pieces, [bytes([octet]) for octet in octets])]
    assert found[0] == found[1] == found[2], "a split of the octets changes the result"


def _read(pieces: list[bytes]) -> tuple[int | None, str, bytes, str]:
    request = _Request("mta-sts.a.test", "/", lambda _: True)
    request.phase = Phase.HTTP
    kind = trio.run(_exchange, request, _Peer(pieces))
    result: HTTPSResult = request.result
    assert len(result.body) <= BODY_LIMIT
    assert kind != "internal", "an exception that is not an error of the peer"
    return result.status, result.media_type, b"" if kind else bytes(result.body), kind


async def _exchange(request: _Request, peer: Any) -> str:
    try:
        await request._exchange(peer)
    except Exception as error:  # noqa: BLE001 - as in the request itself
        return str(request._failure(error).kind)
    return ""


CHECKS: tuple[Callable[[random.Random], None], ...] = (
    lambda chance: check_policy(make(chance), rdata(chance)),
    lambda chance: check_response(make(chance), chance),
)

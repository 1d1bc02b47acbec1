"""MTA-STS: TXT records, policies, and HTTP responses, in which any split of the same octets gives the same result."""

import random
from dataclasses import replace
from typing import Any

import trio

from results.explain.sts_fix import policy_faults, policy_lines
from scanner.core.pkix import EMPTY
from scanner.core.sts.discovery import discovery, with_response, worth_retry
from scanner.core.sts.domain_verdict import STSView, with_sts
from scanner.core.sts.policy_file import Patterns, parse_policy
from scanner.core.sts.records import sts_report, tlsrpt_report
from scanner.core.sts.rejudge import PolicyJudge
from scanner.net.https import BODY_LIMIT, HTTPSResult, _Request
from scanner.reasons import Reason
from scanner.vocabulary import Phase
from tests.fuzz.fuzzer import Fuzzer, packed, stored, unpacked
from tests.unit import records, sts
from tests.unit.fakes import DOMAIN
from tests.unit.pki import NOW

_POLICY_REASONS = [reason for reason in Reason if reason.startswith(("sts-", "tlsrpt-"))]
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


def make_policy(chance: random.Random) -> bytes:
    """Return a policy and TXT records."""
    return packed((_octets(chance), *(text.encode() for text in _rdata(chance))))


def make_response(chance: random.Random) -> bytes:
    """Return an HTTP response and the random octets that choose its split."""
    return packed((_octets(chance), chance.randbytes(3)))


def _octets(chance: random.Random) -> bytes:
    pool = chance.choice((_LINES, _HEADS))
    lines = [chance.choice(pool) for _ in range(chance.randrange(12))]
    if pool is _HEADS and chance.random() < 0.8:
        lines = [_HEADS[0], *lines[:3], "", *lines[3:]]
    text = chance.choice(("\r\n", "\n")).join(lines)
    octets = bytearray(text.encode())
    for _ in range(chance.choice((0, 0, 1, 3))):
        octets.insert(chance.randrange(len(octets) + 1), chance.randrange(256))
    return bytes(octets)


def _rdata(chance: random.Random) -> tuple[str, ...]:
    return tuple(
        chance.choice(('"{}"', "{}", '"{}" "x"')).format("".join(chance.choices(_TEXTS, k=chance.randrange(4))))
        for _ in range(chance.randrange(4))
    )


def check_policy(data: bytes) -> None:
    """Judge a domain with a policy and TXT records, and store the result.

    Raises:
        AssertionError: the record changes when it is stored or judged again, a policy is used that its record does not
            announce, or a proposed policy is not valid.
    """
    octets, *rdata = unpacked(data)
    texts = tuple(text.decode() for text in rdata)
    report = sts_report(DOMAIN, sts.txt(*texts), NOW)
    assert discovery(report).policy is None
    report = with_response(replace(report, **_addresses()), (sts.FETCH,), octets)
    found = discovery(report)
    assert (found.policy is None) != (found.why is None)
    assert found.policy is None or report.record == "valid"
    worth_retry(report)
    if report.policy is not None:
        Patterns(report.policy.mx).match("a.example")
    domain = records.domain()
    host = records.report(key=domain.hosts[0].report)
    tlsrpt = tlsrpt_report(sts.txt(*texts))
    certs = {records.DIGEST: records.cert()}
    view = STSView("a.example", domain.route, domain.hosts, domain.verdict, {host.key: host}, certs)
    hosts, verdict = with_sts(view, report, tlsrpt)
    judged = replace(domain, hosts=hosts, verdict=verdict, sts=report, tlsrpt=tlsrpt)
    stored(judged)
    assert report.record != "valid" or PolicyJudge(EMPTY, lambda _: ()).policy(report) == report
    assert len(policy_faults(judged)) == len(set(judged.verdict.reasons) & set(_POLICY_REASONS))
    if lines := policy_lines(judged):
        assert parse_policy("\n".join(lines).encode()).defects in ((), ("max-age-short",))


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


def check_response(data: bytes) -> None:
    """Read a response with several splits of the same octets.

    Raises:
        AssertionError: a split changes the result, or a limit is exceeded.
    """
    octets, places = unpacked(data)
    split = sorted(place * len(octets) // 255 for place in places)
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


FUZZERS = (
    Fuzzer("mta-sts", make_policy, check_policy, inputs=300),
    Fuzzer("https-responses", make_response, check_response, inputs=300, calls=400_000, calls_per_octet=1_000),
)

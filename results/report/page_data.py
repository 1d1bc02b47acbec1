"""The data of the HTML page's table of domains, as compact JSON for ``page/page.js``.

Each domain in ``domains`` is a list (name, delivery, sender, DANE, STARTTLS, reasons, hosts, DNSSEC state of the MX
records, text, value of a column of the target list, mechanism, MTA-STS, lines about the policy). Each host of a domain
is a list (index in ``hosts``, preference, DANE, reasons, addresses, text, MTA-STS), and each address of a host is a
list (address, TLS, DANE, reasons, text). ``hosts`` contains the facts about each host, ``certs`` contains a list of
facts about each certificate. This module makes text from servers, zones and lists printable. The script of the page
inserts text from servers, zones and lists as text, never as markup.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from results.count.columns import column_value
from results.explain.case import Chain, other_chain, sent_chain
from results.explain.tlsa_cause import Cause, search
from results.render import tlsa, words
from results.render.escape import safe
from results.store.by_key import each, find
from results.store.reader import Run
from scanner.core.sampling import source_of
from scanner.core.verdict import handshake_of
from scanner.facts import Answer, CertFacts, TLSARecord
from scanner.model import DomainRecord, EndpointReport, EndpointVerdict, HostReport, HostVerdict
from scanner.reasons import Reason
from scanner.vocabulary import DomainOutcome

MAX_DOMAINS = 25_000  # maximum number of domains in a page, about 40 MB; a browser opens it in two seconds
LINE = 500  # maximum number of characters of a transcript line
NAMES = 10  # maximum number of names listed for a certificate
PATTERNS = 20  # maximum number of patterns listed for an MTA-STS policy

_COLUMN, _MECHANISM = 9, 10  # places in the list of a domain


@dataclass(frozen=True, slots=True)
class PageData:
    """The data of the HTML page of a report.

    ``json`` is safe in a ``script`` element. ``left_out`` is the number of omitted domains. ``column`` is the column of
    the target list that the table of domains shows, empty if no domain has a value in the column. ``sts`` is true if
    the run examined MTA-STS.
    """

    json: bytes
    left_out: int
    column: str
    sts: bool


def page_data(run: Run, limit: int = MAX_DOMAINS, column: str = "") -> PageData:
    """Return the data of the HTML page of a report.

    Args:
        run: the run.
        limit: the maximum number of domains in the page; failing and inconclusive domains have precedence.
        column: the column of the target list that the table of domains shows.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    chosen, left_out = _chosen(run.domains(), limit)
    names = {verdict.host: verdict.report for record in chosen for verdict in record.hosts}
    places = {host: place for place, host in enumerate(names)}
    hosts, certs = _hosts(run, names)
    domains = [_domain(record, places, column) for record in chosen]
    shown = column if any(domain[_COLUMN] for domain in domains) else ""
    sts = any(domain[_MECHANISM] for domain in domains)
    data = {
        "domains": domains,
        "column": shown,
        "sts": sts,
        "hosts": hosts,
        "certs": certs,
        "words": {
            "reasons": {str(code): code.words for code in Reason},
            "dane": {str(word): text for word, text in words.HOST_DANE.items()},
            "sts": {str(word): text for word, text in words.HOST_STS.items()},
            "dnssec": {str(word): text for word, text in words.SECURITY.items()} | {"": words.NOT_ASKED},
        },
    }
    return PageData(_harmless(orjson.dumps(data)), left_out, shown, sts)


def _harmless(octets: bytes) -> bytes:
    """Escape the characters of JSON that can end an HTML element; the value of the JSON stays the same."""
    for character in b"<>&":
        octets = octets.replace(bytes([character]), b"\\u%04x" % character)
    return octets


def _chosen(records: Iterable[DomainRecord], limit: int) -> tuple[list[DomainRecord], int]:
    fine: list[DomainRecord] = []
    other: list[DomainRecord] = []
    total = 0
    for record in records:
        total += 1
        kept = fine if record.verdict.outcome is DomainOutcome.OK else other
        if len(kept) < limit:
            kept.append(record)
    chosen = [*other, *fine][:limit]
    return chosen, total - len(chosen)


# --- domains --------------------------------------------------------------------------------------------------


def _domain(record: DomainRecord, places: Mapping[str, int], column: str) -> list[Any]:
    verdict = record.verdict
    return [
        safe(record.key),
        verdict.outcome,
        verdict.sender,
        verdict.dane,
        verdict.starttls,
        verdict.reasons,
        [_host_verdict(host, places) for host in record.hosts],
        record.route.mx.security if record.route.mx else "",
        "" if record.hosts else safe(verdict.text),
        safe(column_value(record.target.fields, column)),
        verdict.mechanism or "",
        verdict.sts or "",
        [safe(line, LINE) for line in _policy(record)],
    ]


def _policy(record: DomainRecord) -> Iterator[str]:
    """Yield the lines about the MTA-STS policy and the TLSRPT record of a domain."""
    if record.verdict.sts is not None:
        yield f"MTA-STS: {words.DOMAIN_STS[record.verdict.sts]}"
    if record.sts is not None and record.sts.policy is not None:
        policy = record.sts.policy
        more = f" and {len(policy.mx) - PATTERNS} more" if len(policy.mx) > PATTERNS else ""
        yield f"policy {record.sts.id}: mode {policy.mode}, max_age {policy.max_age} s"
        yield f"patterns: {', '.join(policy.mx[:PATTERNS]) or 'none'}{more}"
    if record.tlsrpt is not None:
        yield f"TLSRPT: {', '.join(record.tlsrpt.rua) or words.TXT_RECORD[record.tlsrpt.record]}"


def _host_verdict(host: HostVerdict, places: Mapping[str, int]) -> list[Any]:
    addresses = [_address_verdict(endpoint) for endpoint in host.endpoints]
    return [places[host.host], host.preference, host.dane, host.reasons, addresses, safe(host.text), host.sts or ""]


def _address_verdict(verdict: EndpointVerdict) -> list[Any]:
    return [safe(verdict.address), verdict.tls, verdict.dane, verdict.reasons, safe(verdict.text)]


# --- hosts ----------------------------------------------------------------------------------------------------


def _hosts(run: Run, names: Mapping[str, str | None]) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Return the MX hosts in the order of ``names``, and the certificates sent by these hosts."""
    keys = {key: host for host, key in names.items() if key is not None}
    digests = {
        digest
        for _, report in each(run, "hosts", HostReport, keys)
        for endpoint in report.endpoints
        for handshake in (handshake_of(endpoint), *(other.probe.handshake for other in endpoint.algorithms))
        if handshake is not None
        for digest in handshake.chain
    }
    certs = find(run, "certs", CertFacts, digests)
    places = {digest: place for place, digest in enumerate(certs)}
    found = {report.key: _host(report, certs, places) for _, report in each(run, "hosts", HostReport, keys)}
    hosts = [found.get(key or "") or _unknown(host) for host, key in names.items()]
    return hosts, [_cert(cert) for cert in certs.values()]


def _unknown(host: str) -> dict[str, Any]:
    return {"host": safe(host), "answers": [], "tlsa": [], "addresses": {}, "skipped": [], "inferred": ""}


def _host(report: HostReport, certs: Mapping[str, CertFacts], places: Mapping[str, int]) -> dict[str, Any]:
    return {
        "host": safe(report.host),
        "answers": [_answer(answer) for answer in (report.a, report.aaaa) if answer is not None],
        "tlsa": [[_record(record)] for record in report.tlsa.records],
        "addresses": {safe(end.address): _address(end, report.tlsa.records, certs, places) for end in report.endpoints},
        "skipped": [[safe(skipped.address), skipped.reason] for skipped in report.skipped],
        "inferred": f"{words.INFERRED}{safe(source)}" if (source := source_of(report)) else "",
    }


def _answer(answer: Answer) -> list[Any]:
    shown = [*map(safe, answer.records), *([safe(answer.error)] if answer.error else [])]
    return [answer.rtype, answer.security, shown]


def _record(record: TLSARecord) -> str:
    unusable = f"  (cannot be used: {record.unusable})" if record.unusable else ""
    return f"{safe(tlsa.whole(record))}{unusable}"


def _address(
    end: EndpointReport, records: tuple[TLSARecord, ...], certs: Mapping[str, CertFacts], places: Mapping[str, int]
) -> dict[str, Any]:
    handshake = handshake_of(end)
    chain = sent_chain(end, certs)
    parts = (handshake.version, handshake.cipher, handshake.group, handshake.signature) if handshake else ()
    return {
        "session": safe(", ".join(part for part in parts if part)),
        "tlsa": list(_comparison(end, records, chain)) if chain else [],
        "chain": [places[cert.sha256] for cert in chain],
        "others": list(_others(end, certs)),
        "transcript": [safe(line, LINE) for line in _transcript(end)],
    }


def _others(end: EndpointReport, certs: Mapping[str, CertFacts]) -> Iterator[str]:
    """Yield a text for each further certificate of an address, whose key has another algorithm."""
    for other in end.algorithms:
        if chain := other_chain(other, certs):
            found = "matches" if other.dane is not None and other.dane.matched else "does not match"
            yield safe(f"another certificate ({other.alg} key) {found} the TLSA records: {chain[0].subject}", LINE)


def _comparison(end: EndpointReport, records: tuple[TLSARecord, ...], chain: Chain) -> Iterator[tuple[int, bool, str]]:
    for finding in search(records, chain, {}):
        hit = end.dane is not None and end.dane.record == finding.record
        matched = hit or finding.cause is Cause.MATCHES
        why = finding.words.removeprefix(f"The TLSA record {tlsa.short(finding.record)} ")
        if hit and end.dane is not None and end.dane.errors:
            matched, why = False, f"{why} But: {end.dane.errors[0].text}."
        if hit and finding.cause is not Cause.MATCHES:
            why = "is the certificate or key that signed the chain"
        yield records.index(finding.record), matched, safe(why, LINE)


def _transcript(end: EndpointReport) -> Iterator[str]:
    for number, probe in enumerate(end.probes):
        if number:
            yield f"--- {probe.endpoint.profile} ---"
        yield from probe.transcript


def _cert(cert: CertFacts) -> list[str]:
    names = ", ".join(cert.dns_names[:NAMES]) + (" ..." if len(cert.dns_names) > NAMES else "")
    valid = " to ".join(f"{when:%Y-%m-%d}" for when in (cert.not_before, cert.not_after) if when)
    key = f"{cert.key_type} {cert.key_bits or ''}".strip()
    return [safe(text) for text in (cert.subject or cert.parse_error, cert.issuer, names, valid, key, cert.sha256)]

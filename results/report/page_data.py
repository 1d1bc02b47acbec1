"""What the page of a run knows of each domain, as compact JSON for its script.

Members: ``domains`` are lists (name, delivery, sender, DANE, STARTTLS, reasons, hosts, DNSSEC state of the MX
records, text), and of them each host is a list (place in ``hosts``, preference, DANE, reasons, addresses, text) and
each address one too (address, TLS, DANE, reasons, text). ``hosts`` hold what was observed, ``certs`` rows of a table.
What a stranger wrote is made printable here, and set as text by the script.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from results.count.summary import last_handshake
from results.explain.tlsa_cause import Cause, search, short
from results.render import words
from results.render.escape import safe
from results.store.by_key import each, find
from results.store.reader import Run
from scanner.facts import Answer, CertFacts, TLSARecord
from scanner.model import DomainRecord, EndpointReport, EndpointVerdict, HostReport, HostVerdict
from scanner.reasons import REASONS
from scanner.vocabulary import DomainOutcome

MAX_DOMAINS = 25_000  # in a page: some 40 MB, what a browser still opens in two seconds
LINE = 500  # characters of a line of a transcript
NAMES = 10  # of a certificate


def page_data(run: Run, limit: int = MAX_DOMAINS) -> tuple[bytes, int]:
    """Collect the data of a page.

    Args:
        run: the run.
        limit: domains at most; those that fail come before those that do not.

    Returns:
        JSON that may stand in a ``script`` element, and how many domains were left out.

    Raises:
        StoreError: a file of the run cannot be read.
    """
    chosen, left_out = _chosen(run.domains(), limit)
    names = {verdict.host: verdict.report for record in chosen for verdict in record.hosts}
    places = {host: place for place, host in enumerate(names)}
    hosts, certs = _hosts(run, names)
    data = {
        "domains": [_domain(record, places) for record in chosen],
        "hosts": hosts,
        "certs": certs,
        "words": {
            "reasons": {str(code): text.words for code, text in REASONS.items()},
            "dane": {str(word): text for word, text in words.HOST_DANE.items()},
            "dnssec": {str(word): text for word, text in words.SECURITY.items()} | {"": words.NOT_ASKED},
        },
    }
    return _harmless(orjson.dumps(data)), left_out


def _harmless(octets: bytes) -> bytes:
    """Keep JSON from ending the element that it stands in; JSON means the same with these written as escapes."""
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


def _domain(record: DomainRecord, places: Mapping[str, int]) -> list[Any]:
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
    ]


def _host_verdict(host: HostVerdict, places: Mapping[str, int]) -> list[Any]:
    addresses = [_address_verdict(endpoint) for endpoint in host.endpoints]
    return [places[host.host], host.preference, host.dane, host.reasons, addresses, safe(host.text)]


def _address_verdict(verdict: EndpointVerdict) -> list[Any]:
    return [safe(verdict.address), verdict.tls, verdict.dane, verdict.reasons, safe(verdict.text)]


# --- hosts ----------------------------------------------------------------------------------------------------


def _hosts(run: Run, names: Mapping[str, str | None]) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Give the hosts in the order of their names, and the certificates that they showed."""
    keys = {key: host for host, key in names.items() if key is not None}
    digests = {
        digest
        for _, report in each(run, "hosts", HostReport, keys)
        for endpoint in report.endpoints
        if (shaken := last_handshake(endpoint.probes)) is not None
        for digest in shaken.chain
    }
    certs = find(run, "certs", CertFacts, digests)
    places = {digest: place for place, digest in enumerate(certs)}
    found = {report.key: _host(report, certs, places) for _, report in each(run, "hosts", HostReport, keys)}
    hosts = [found.get(key or "") or _unknown(host) for host, key in names.items()]
    return hosts, [_cert(cert) for cert in certs.values()]


def _unknown(host: str) -> dict[str, Any]:
    return {"host": safe(host), "answers": [], "tlsa": [], "addresses": {}, "skipped": []}


def _host(report: HostReport, certs: Mapping[str, CertFacts], places: Mapping[str, int]) -> dict[str, Any]:
    return {
        "host": safe(report.host),
        "answers": [_answer(answer) for answer in (report.a, report.aaaa) if answer is not None],
        "tlsa": [[_record(record)] for record in report.tlsa.records],
        "addresses": {safe(end.address): _address(end, report.tlsa.records, certs, places) for end in report.endpoints},
        "skipped": [[safe(skipped.address), skipped.reason] for skipped in report.skipped],
    }


def _answer(answer: Answer) -> list[Any]:
    shown = [*map(safe, answer.records), *([safe(answer.error)] if answer.error else [])]
    return [answer.rtype, answer.security, shown]


def _record(record: TLSARecord) -> str:
    unusable = f"  (cannot be used: {record.unusable})" if record.unusable else ""
    return f"{record.usage} {record.selector} {record.matching_type} {safe(record.data, 140)}{unusable}"


def _address(
    end: EndpointReport, records: tuple[TLSARecord, ...], certs: Mapping[str, CertFacts], places: Mapping[str, int]
) -> dict[str, Any]:
    shaken = last_handshake(end.probes)
    chain = [digest for digest in shaken.chain if digest in certs] if shaken else []
    parts = (shaken.version, shaken.cipher, shaken.group, shaken.signature) if shaken else ()
    return {
        "session": safe(", ".join(part for part in parts if part)),
        "tlsa": list(_comparison(end, records, [certs[digest] for digest in chain])) if chain else [],
        "chain": [places[digest] for digest in chain],
        "transcript": [safe(line, LINE) for line in _transcript(end)],
    }


def _comparison(
    end: EndpointReport, records: tuple[TLSARecord, ...], chain: list[CertFacts]
) -> Iterator[tuple[int, bool, str]]:
    for finding in search(records, chain, {}):
        hit = end.dane is not None and end.dane.record == finding.record
        matched = hit or finding.cause is Cause.MATCHES
        why = finding.words.removeprefix(f"The TLSA record {short(finding.record)} ")
        if hit and end.dane is not None and end.dane.errors:
            matched, why = False, f"{why} But: {end.dane.errors[0].text}."
        if hit and finding.cause is not Cause.MATCHES:
            why = "it holds the certificate or key that signed the chain"
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

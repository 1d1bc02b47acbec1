"""Rules of ``--sni-sample``: which hosts form a group, which result is clean, and which hosts a sample represents.

MX hosts with the same addresses and the same usable TLSA records form a group. The first hosts of a group are probed as
its sample. The sample represents another host of the group only if all hosts of the sample have the same clean result,
and the certificates of the sample satisfy every comparison of names for the other host. A host that the sample does not
represent is probed, so that no fault is ever inferred.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from scanner.core import retry
from scanner.core.compared import is_mismatch
from scanner.core.sni import server_name
from scanner.core.sts.host_verdict import is_named
from scanner.core.tlsa import presentation
from scanner.core.verdict import sessions
from scanner.facts import Answer, CertFacts, Handshake, TLSALookup
from scanner.model import DaneEvidence, EndpointReport, HostReport
from scanner.settings import Settings
from scanner.vocabulary import Outcome, Served


def group_of(
    settings: Settings, host: str, port: int, answers: Sequence[Answer], addresses: Sequence[str], lookup: TLSALookup
) -> bytes | None:
    """Return a digest that identifies the group of a host, None for a host that is always probed.

    Args:
        settings: settings of the scan.
        host: the MX host.
        port: the TCP port.
        answers: the answers to the address lookups of the host; after a failed lookup, the addresses are not known.
        addresses: all addresses of the host, sorted.
        lookup: the TLSA lookup of the host, whose records may be behind an alias.
    """
    if lookup.dane is not None or any(answer.outcome is Outcome.ERROR for answer in answers):
        return None
    if server_name(settings.level, lookup, choice=settings.sni, host=host) is None:
        return None
    parts = (str(port), *addresses, *sorted(map(presentation, lookup.records)))
    return blake2b("\n".join(parts).encode(), digest_size=16).digest()


def source_of(report: HostReport) -> str:
    """Return the key of the host whose probes a report contains; empty if the host of the report was itself probed."""
    return (report.inferred or {}).get("from", "")


def clean_result(endpoints: Sequence[EndpointReport]) -> tuple[object, ...] | None:
    """Return the result of a probed host, to compare it with the other hosts of its sample; None if it is not clean.

    The result is clean if the first connection to each address ended with a TLS session, the TLSA records match each
    certificate, and no retry pass would probe the host again.
    """
    if not endpoints or not all(map(_is_clean, endpoints)):
        return None
    return tuple(map(_result, endpoints))


def _is_clean(endpoint: EndpointReport) -> bool:
    own = sessions(endpoint).own
    if len(endpoint.probes) > 1 or own.handshake is None or retry.of_endpoint(endpoint):
        return False  # another profile, or a second reading after a mismatch
    evidence = [endpoint.dane, *(each.dane for each in endpoint.algorithms if each.served is not Served.NO)]
    return own.failure is None and all(each is not None and each.matched for each in evidence)


def _result(endpoint: EndpointReport) -> tuple[object, ...]:
    others = [(each.alg, each.served, _session(each.probe.handshake)) for each in endpoint.algorithms]
    own = _session(sessions(endpoint).own.handshake)
    return (endpoint.address, own, *others, endpoint.pq, endpoint.pq_signature)


def _session(handshake: Handshake | None) -> tuple[object, ...]:
    return () if handshake is None else (handshake.version, handshake.cipher, handshake.group, handshake.chain)


def represents(
    endpoints: Sequence[EndpointReport], certs: Mapping[str, CertFacts], lookup: TLSALookup, named: str | None
) -> bool:
    """Return whether the clean result of a sample holds for another host of the group.

    A TLSA record of usage 2 also requires a name (RFC 7672 section 3.1.2): the server certificate of the sample must
    then contain the TLSA base domain of the host. A TLSA record of usage 3 requires no name (RFC 7672 section 3.1.1).

    Args:
        endpoints: the reports on the addresses of a host of the sample.
        certs: certificates by SHA-256; a missing certificate does not satisfy any comparison.
        lookup: the TLSA lookup of the host.
        named: the name that each certificate also has to contain (MTA-STS, RFC 8461 section 4.2), or None.
    """
    for evidence, handshake in (pair for endpoint in endpoints for pair in _evidence(endpoint)):
        leaf = certs.get(handshake.chain[0]) if handshake is not None and handshake.chain else None
        if evidence is None or leaf is None or is_mismatch(evidence, leaf, lookup):
            return False
        if named is not None and not is_named(leaf, named):
            return False
    return True


def _evidence(endpoint: EndpointReport) -> list[tuple[DaneEvidence | None, Handshake | None]]:
    others = [(each.dane, each.probe.handshake) for each in endpoint.algorithms if each.served is Served.YES]
    return [(endpoint.dane, sessions(endpoint).own.handshake), *others]

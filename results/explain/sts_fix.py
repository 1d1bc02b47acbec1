"""The faults of the MTA-STS policy and TLSRPT record of a domain: the cause, the remedy, and the lines to publish.

The lines to publish are a whole policy file (RFC 8461 section 3.2) that lists every MX host, or TXT records. The
functions of this module are pure. Names and texts from zones and servers are not escaped in this module; each output
format has to escape them.
"""

from collections.abc import Iterator

from results.explain.cause import Explanation
from results.explain.remedies import remedy_of
from results.render import words
from scanner.core.names import is_hostname
from scanner.core.sts.discovery import discovery
from scanner.core.sts.domain_verdict import HOST_REASONS
from scanner.core.sts.policy_file import PUBLISHED_AGE, Patterns
from scanner.core.sts.records import SCHEMES, policy_host, record_name, tlsrpt_name
from scanner.model import DomainRecord, HostVerdict
from scanner.reasons import Reason
from scanner.vocabulary import PolicyMode

HOSTS = 10  # maximum number of MX hosts named in a sentence
PATTERNS = 100  # maximum number of mx lines in a policy; for more MX hosts, no policy is given

_BY_HOST = {reason: state for state, reason in HOST_REASONS.items()}
_WITH_RECORD = (Reason.STS_RECORD_MULTIPLE, Reason.STS_RECORD_INVALID)
_WITH_POLICY = (Reason.STS_FETCH_STATUS, Reason.STS_FETCH_TOO_LONG, Reason.STS_POLICY_INVALID)
_CODES = tuple(reason for reason in Reason if reason.startswith(("sts-", "tlsrpt-")))


def policy_faults(record: DomainRecord) -> tuple[Explanation, ...]:
    """Return an explanation for each fault of a domain's MTA-STS policy and TLSRPT record."""
    return tuple([_explained(record, reason) for reason in record.verdict.reasons if reason in _CODES])


def domain_of(record: DomainRecord) -> str:
    """Return the domain whose policy was examined; the key of a record may also contain a port."""
    return record.sts.host.removeprefix(policy_host("")) if record.sts is not None else record.key


def policy_lines(record: DomainRecord) -> tuple[str, ...]:
    """Return the lines of a policy that lists every MX host of a domain.

    Mode, ``max_age`` and the patterns that match an MX host are taken from the present policy. If the domain has no
    usable policy, the mode is ``testing``, which cannot prevent delivery.

    Returns:
        The lines of the policy; no lines if the domain has no MX host or more than ``PATTERNS`` MX hosts.
    """
    hosts = [host.host.lower() for host in record.hosts if is_hostname(host.host.lower())]
    old = record.sts.policy if record.sts is not None else None
    present = Patterns(old.mx if old else ())
    used = present.listing(hosts)
    kept = [pattern for pattern in (old.mx if old else ()) if pattern in used]
    listed = dict.fromkeys((*kept, *(host for host in hosts if not present.match(host))))
    if not 0 < len(listed) <= PATTERNS:
        return ()
    mode, age = (old.mode, old.max_age) if old else (PolicyMode.TESTING, PUBLISHED_AGE)
    return ("version: STSv1", f"mode: {mode}", *(f"mx: {pattern}" for pattern in listed), f"max_age: {age}")


def record_line(record: DomainRecord) -> str:
    """Return the TXT record of MTA-STS for a zone file, with an id made of the time of the observation."""
    at = record.sts.observed_at if record.sts is not None else record.observed_at
    found = f"{at:%Y%m%d%H%M%S}"
    unique = found if record.sts is None or record.sts.id != found else f"{found}1"
    return f'{record_name(domain_of(record))}. IN TXT "v=STSv1; id={unique}"'


def _explained(record: DomainRecord, reason: Reason) -> Explanation:
    text = words.of_reason(reason)
    detail = ", ".join(_details(record, reason))
    added = "" if not detail else f" ({detail})" if ":" in text else f": {detail}"
    sentence = f"{text[:1].upper()}{text[1:]}{added}."
    fix = remedy_of(reason).replace("DOMAIN", domain_of(record))
    return Explanation(reason, sentence, fix, tuple(_lines(record, reason)))


def _details(record: DomainRecord, reason: Reason) -> Iterator[str]:
    if reason in _BY_HOST:
        names = [_named(host, reason) for host in record.hosts if host.sts is _BY_HOST[reason]]
        yield from names[:HOSTS]
        if len(names) > HOSTS:
            yield f"and {len(names) - HOSTS} more"
    elif reason is Reason.TLSRPT_RECORD_INVALID:
        yield from (record.tlsrpt.defects if record.tlsrpt is not None else ())[:1]
    elif reason is Reason.STS_MEDIA_TYPE:
        yield from [fetch.media_type or "none" for fetch in (record.sts.fetches if record.sts else ())[-1:]]
    elif reason is not Reason.STS_DANE_DISAGREE and record.sts is not None:
        yield from filter(None, [discovery(record.sts).text])


def _named(host: HostVerdict, reason: Reason) -> str:
    """Return the name of an MX host; for an untrusted certificate, followed by the error of the certificate check."""
    errors = [end.pkix_error for end in host.endpoints if end.pkix_error]
    return f"{host.host} ({errors[0]})" if errors and reason is Reason.STS_HOST_UNTRUSTED else host.host


def _lines(record: DomainRecord, reason: Reason) -> Iterator[str]:
    if reason in _WITH_RECORD:
        yield record_line(record)
    elif reason in _WITH_POLICY:
        yield from policy_lines(record)
    elif reason is Reason.STS_MX_MISMATCH and (lines := policy_lines(record)):
        yield from (*lines, record_line(record))
    elif reason is Reason.TLSRPT_RECORD_INVALID:
        domain = domain_of(record)
        yield f'{tlsrpt_name(domain)}. IN TXT "v=TLSRPTv1; rua={_address(record)}"'


def _address(record: DomainRecord) -> str:
    """Return the report addresses (``rua``) of a TLSRPT record, or else the postmaster address of the domain."""
    listed = record.tlsrpt.rua if record.tlsrpt is not None else ()
    return ",".join(uri for uri in listed if '"' not in uri) or f"{SCHEMES[0]}:postmaster@{domain_of(record)}"

"""The test whether a sender without a cached policy finds a domain's MTA-STS policy, and the reason if not.

If the sender finds no policy, the result of ``discovery`` is ``lookup_failed`` for a temporary cause, ``unknown`` for a
cause on this machine, and ``invalid`` for a fault of the domain. The result of ``discovery`` is ``none`` only if the
domain has no MTA-STS record.
"""

from dataclasses import dataclass, replace

from scanner.core.sts.policy_file import PolicyError, parse_policy
from scanner.facts import Answer, Failure
from scanner.reasons import Reason
from scanner.sts import PolicyFetch, STSPolicy, STSReport
from scanner.vocabulary import DomainSTS, FailureKind, Outcome, Phase, Pkix, Security, TXTRecord

OK_STATUS = 200

MEDIA_TYPE = "text/plain"
"""The media type that RFC 8461 section 3.3 requires for a policy."""

_REDIRECTS = range(300, 400)
_TOO_MANY_REQUESTS = 429
_FIRST_SERVER_ERROR = 500

_OURS = (
    *(FailureKind.UNDECODABLE, FailureKind.RESOURCES, FailureKind.LOCAL, FailureKind.HELD_BACK, FailureKind.INTERNAL),
)
_CONCLUSIVE = (FailureKind.TLS, FailureKind.GARBAGE, FailureKind.TOO_LONG)


@dataclass(frozen=True, slots=True)
class Discovery:
    """A policy, or in ``why`` the reason for its absence: ``none``, ``invalid``, ``lookup_failed`` or ``unknown``."""

    policy: STSPolicy | None
    why: DomainSTS | None
    reasons: tuple[Reason, ...] = ()
    text: str = ""


_BY_RECORD = {
    TXTRecord.ABSENT: Discovery(None, DomainSTS.NONE),
    TXTRecord.MULTIPLE: Discovery(None, DomainSTS.INVALID, (Reason.STS_RECORD_MULTIPLE,)),
    TXTRecord.INVALID: Discovery(None, DomainSTS.INVALID, (Reason.STS_RECORD_INVALID,)),
    TXTRecord.LOOKUP_FAILED: Discovery(None, DomainSTS.LOOKUP_FAILED, (Reason.STS_LOOKUP_FAILED,)),
    TXTRecord.UNKNOWN: Discovery(None, DomainSTS.UNKNOWN),
}


def with_response(report: STSReport, fetches: tuple[PolicyFetch, ...], body: bytes) -> STSReport:
    """Return an MTA-STS report with the HTTPS requests for the policy, and with the policy in the last response."""
    if not fetches or fetches[-1].status != OK_STATUS or fetches[-1].failure is not None:
        return replace(report, fetches=fetches)
    text = body.decode("utf-8", "replace")
    try:
        return replace(report, fetches=fetches, body=text, policy=parse_policy(body))
    except PolicyError as error:
        return replace(report, fetches=fetches, body=text, policy_error=str(error))


def discovery(report: STSReport) -> Discovery:
    """Return the MTA-STS policy in a report, or the reason why a sender finds no policy."""
    if report.record is not TXTRecord.VALID:
        found, text = _BY_RECORD[report.record], report.record_error or report.txt.error
        return replace(found, text=text) if text else found
    if report.policy is not None:
        plain = report.fetches[-1].media_type.lower() == MEDIA_TYPE if report.fetches else True
        return Discovery(report.policy, None, () if plain else (Reason.STS_MEDIA_TYPE,))
    if not report.fetches:
        return _without_address(report)
    fetch = report.fetches[-1]
    if fetch.reason is not None:
        return Discovery(None, DomainSTS.UNKNOWN, (fetch.reason,))
    return _without_policy(report, fetch)


def _without_address(report: STSReport) -> Discovery:
    """Judge a policy host without an address: the domain has a fault unless an address lookup failed."""
    answers = [answer for answer in (report.a, report.aaaa) if answer is not None]
    failed = next((answer for answer in answers if answer.outcome is Outcome.ERROR), None)
    if failed is not None:
        return Discovery(None, DomainSTS.LOOKUP_FAILED, (Reason.STS_LOOKUP_FAILED,), failed.error)
    if not answers:
        return Discovery(None, DomainSTS.UNKNOWN)
    return Discovery(None, DomainSTS.INVALID, (Reason.STS_FETCH_FAILED,), f"{report.host} has no address")


def _without_policy(report: STSReport, fetch: PolicyFetch) -> Discovery:
    failure, status = fetch.failure, fetch.status
    if failure is not None:
        return _failed(failure)
    if status is None:
        return _refused_certificate(report, fetch)
    text = f"HTTP status {status}"
    if status in _REDIRECTS:
        return Discovery(None, DomainSTS.INVALID, (Reason.STS_FETCH_REDIRECT,), text)
    if status != OK_STATUS:
        passing = status >= _FIRST_SERVER_ERROR or status == _TOO_MANY_REQUESTS
        why = DomainSTS.LOOKUP_FAILED if passing else DomainSTS.INVALID
        return Discovery(None, why, (Reason.STS_FETCH_STATUS,), text)
    return Discovery(None, DomainSTS.INVALID, (Reason.STS_POLICY_INVALID,), report.policy_error)


def _failed(failure: Failure) -> Discovery:
    if failure.kind in _OURS:
        internal = failure.kind is FailureKind.INTERNAL
        return Discovery(None, DomainSTS.UNKNOWN, (Reason.INTERNAL if internal else Reason.LOCAL_LIMIT,), failure.text)
    long_response = failure.kind is FailureKind.TOO_LONG and failure.phase is Phase.HTTP
    reason = Reason.STS_FETCH_TOO_LONG if long_response else Reason.STS_FETCH_FAILED
    why = DomainSTS.INVALID if failure.kind in _CONCLUSIVE else DomainSTS.LOOKUP_FAILED
    return Discovery(None, why, (reason,), failure.text)


def _refused_certificate(report: STSReport, fetch: PolicyFetch) -> Discovery:
    """Judge a policy request that ended after the handshake because of the certificate of the policy host."""
    if fetch.pkix is Pkix.UNTRUSTED:
        text = fetch.pkix_error
    elif fetch.name_match is False:
        text = f"the certificate is not for {report.host}"
    else:
        return Discovery(None, DomainSTS.UNKNOWN)
    return Discovery(None, DomainSTS.INVALID, (Reason.STS_CERTIFICATE_INVALID,), text)


def worth_retry(report: STSReport) -> bool:
    """Return whether another attempt could find the policy; a failed DNSSEC validation is conclusive."""
    if report.record is TXTRecord.ABSENT:
        return False
    if any(_bogus(answer) for answer in (report.txt, report.a, report.aaaa)):
        return False
    failure = report.fetches[-1].failure if report.fetches else None
    short = failure is not None and failure.kind in (FailureKind.RESOURCES, FailureKind.HELD_BACK)
    return short or discovery(report).why is DomainSTS.LOOKUP_FAILED


def _bogus(answer: Answer | None) -> bool:
    return answer is not None and answer.outcome is Outcome.ERROR and answer.security is Security.BOGUS

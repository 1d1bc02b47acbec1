"""The preflight checks: whether a resolver validates DNSSEC and its AD bit can be trusted.

With a resolver that does not validate, or whose AD bit is lost in transit, every domain appears to be without DNSSEC.
Therefore the preflight checks the behaviour of a resolver that RFC 4035 section 3.2 requires: an authenticated answer
for a signed name; SERVFAIL for a name with broken signatures, and data for the same name if CD is set; an answer
without authentication for an unsigned name; and an authenticated denial. A resolver also has to answer over TCP, since
a client sends its question over TCP after a truncated reply (RFC 7766). A resolver passes a check if the answer for at
least one name shows the required behaviour, since test domains may disappear. A preflight question without an answer is
a failed check.

The caller of this module sends the DNS questions and passes the current time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from scanner.core.wire import Message
from scanner.facts import Answer
from scanner.vocabulary import Outcome, Security

_USE_ANOTHER = "use a validating resolver on this machine, or give --resolver unbound"
_TRUST = (
    "use a resolver on loopback or --resolver unbound; give --trust-resolver if the path to this resolver is secure"
)

_REACH = "check that the resolver is running, and that the network permits DNS (port 53)"

_COVERED_DNSKEY = 48  # RFC 4034 section 3.1.1: "type covered" of a signature over DNSKEY
_FIXED_RRSIG = 18  # octets of a signature's rdata before the signer's name, RFC 4034 section 3.1


class State(StrEnum):
    """The result of a preflight check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table of checks: check, subject, result, observation and remedy."""

    check: str
    subject: str
    state: State
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class PreflightNames:
    """The names that the preflight checks query: zone apexes (SOA), and in ``denied`` absent names of signed zones.

    The DNSSEC state of the default names is expected to last: zones of DNSSEC operators (the Internet Society, the
    IETF, NLnet Labs), names with deliberately broken signatures (of Comcast, CZ.NIC and SIDN), and large companies
    without DNSSEC.
    """

    signed: tuple[str, ...] = ("internetsociety.org", "ietf.org", "nlnetlabs.nl")
    bogus: tuple[str, ...] = ("dnssec-failed.org", "rhybar.cz", "servfail.nl")
    unsigned: tuple[str, ...] = ("google.com", "amazon.com")
    denied: tuple[str, ...] = ("mxsweep-preflight.ietf.org", "mxsweep-preflight.nlnetlabs.nl")


@dataclass(frozen=True, slots=True)
class Sample:
    """The answers of one resolver to the preflight questions, by purpose of the queried name.

    ``tcp`` is the error of the TCP query, or empty.
    """

    resolver: str
    trusted: bool
    signed: tuple[Answer, ...] = ()
    bogus: tuple[Answer, ...] = ()
    unsigned: tuple[Answer, ...] = ()
    denied: tuple[Answer, ...] = ()
    tcp: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """The validity period of a DNSSEC signature."""

    inception: datetime
    expiration: datetime


@dataclass(frozen=True, slots=True)
class _Purpose:
    """A purpose of queried names, such as ``signed name``: the required DNSSEC state and outcomes of the answers."""

    check: str
    security: Security
    outcomes: frozenset[Outcome]
    shown: str


_DATA = frozenset({Outcome.DATA})
_ABSENT = frozenset({Outcome.NXDOMAIN, Outcome.NODATA})
_SIGNED = _Purpose("signed name", Security.SECURE, _DATA, "authenticated")
_BOGUS = _Purpose("bogus name", Security.BOGUS, frozenset({Outcome.ERROR}), "refused, but answered without validation")
_UNSIGNED = _Purpose("unsigned name", Security.INSECURE, _DATA, "answered, not authenticated")
_DENIED = _Purpose("denial", Security.SECURE, _ABSENT, "absence authenticated")


def judge(sample: Sample) -> tuple[Check, ...]:
    """Return the results of the preflight checks of one resolver.

    There is one result for each required behaviour, or a single result if the AD bit of the resolver is not trusted.
    """
    if not sample.trusted:
        text = "not on loopback: an attacker on the network could have set its AD bit"
        return (Check("trust", sample.resolver, State.FAIL, text, _TRUST),)
    return (
        _shown(_SIGNED, sample.resolver, sample.signed),
        _shown(_BOGUS, sample.resolver, sample.bogus),
        _shown(_UNSIGNED, sample.resolver, sample.unsigned),
        _shown(_DENIED, sample.resolver, sample.denied),
        _tcp(sample),
    )


def passed(checks: Iterable[Check]) -> bool:
    """Return True if no preflight check failed."""
    return all(check.state is not State.FAIL for check in checks)


def _shown(purpose: _Purpose, resolver: str, answers: tuple[Answer, ...]) -> Check:
    """Return the result ``ok`` with the first name that behaves as required, else ``fail`` with all answers."""
    for answer in answers:
        if answer.security is purpose.security and answer.outcome in purpose.outcomes:
            return Check(purpose.check, resolver, State.OK, f"{answer.name}: {purpose.shown}")
    seen = "; ".join(f"{answer.name}: {_in_words(answer)}" for answer in answers) or "no name to query"
    if all(answer.outcome is Outcome.ERROR and not answer.rcode for answer in answers):
        return Check(purpose.check, resolver, State.FAIL, seen, _REACH)
    return Check(purpose.check, resolver, State.FAIL, seen, _USE_ANOTHER)


def _in_words(answer: Answer) -> str:
    if answer.outcome is Outcome.ERROR:
        return answer.error or answer.rcode
    authenticated = "authenticated" if answer.security is Security.SECURE else "not authenticated"
    return f"{answer.outcome}, {authenticated}"


def _tcp(sample: Sample) -> Check:
    if sample.tcp:
        advice = "permit DNS over TCP (port 53): large answers need TCP"
        return Check("tcp", sample.resolver, State.FAIL, f"no answer over TCP: {sample.tcp}", advice)
    return Check("tcp", sample.resolver, State.OK, "answers over TCP")


# --- the clock ------------------------------------------------------------------------------------------------


def window_of(reply: Message) -> Window | None:
    """Return the validity period of the first signature over DNSKEY in a reply, None without such a signature.

    ``reply`` is the reply to a question for the DNSKEY records of the root, with DO set.
    """
    for record in reply.answers:
        octets = bytes.fromhex(record.rdata) if record.rtype == "RRSIG" else b""
        if len(octets) > _FIXED_RRSIG and int.from_bytes(octets[:2]) == _COVERED_DNSKEY:
            return Window(_time(octets[12:16]), _time(octets[8:12]))
    return None


def _time(octets: bytes) -> datetime:
    """Return seconds since 1970 as a time.

    Serial number arithmetic (RFC 4034 section 3.1.5) is not needed before 2106.
    """
    return datetime.fromtimestamp(int.from_bytes(octets), UTC)


def clock(window: Window | None, now: datetime, resolver: str) -> Check:
    """Return the result of the clock check: validation requires a clock within the validity of the root's signature.

    Args:
        window: the validity period of the root's signature; None if the resolver returned no signature.
        now: the time of the local clock.
        resolver: the resolver that returned the signature.
    """
    if window is None:
        text = "the resolver returned no signature of the root's keys to compare the clock with"
        return Check("clock", resolver, State.WARN, text)
    if window.inception <= now <= window.expiration:
        return Check("clock", resolver, State.OK, "within the validity of the signature of the root's keys")
    times = f"{window.inception:%Y-%m-%d %H:%M} to {window.expiration:%Y-%m-%d %H:%M}"
    text = f"the clock is {now:%Y-%m-%d %H:%M} UTC, but the signature of the root's keys is valid from {times}"
    return Check("clock", resolver, State.FAIL, text, "set the clock, for example by NTP")

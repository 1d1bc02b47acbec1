"""Can this resolver be believed? The judgement of a preflight: answers in, rows of a table out.

A resolver that does not validate, or whose AD bit is lost on the way, makes every domain look as if it had no DNSSEC.
So before anything is judged it has to show all that a validating resolver shows (RFC 4035 section 3.2): a signed
name is authenticated; a name with broken signatures is refused (SERVFAIL) but there for who sets CD; an unsigned
name is not authenticated; the absence of a name is; and TCP works, since a truncated reply has to be asked for again
(RFC 7766). Of several names for one purpose a single one that behaves is enough: test domains come and go. What
could not be asked has not been shown, and counts as a failure.

Nothing here asks, waits or knows the time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from scanner.core.wire import Message
from scanner.facts import Answer
from scanner.vocabulary import Outcome, Security

_USE_ANOTHER = "use a validating resolver on this machine, or --resolver unbound"
_TRUST = "use a resolver on loopback or --resolver unbound; --trust-resolver if the way to this one is safe"

_REACH = "see whether the resolver runs, and whether the network lets DNS (port 53) out"

_COVERED_DNSKEY = 48  # RFC 4034 section 3.1.1: "type covered" of a signature over DNSKEY
_FIXED_RRSIG = 18  # octets of a signature's rdata before the signer's name, RFC 4034 section 3.1


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One row: what was checked on whom, how it went, what was seen, and what to do about it."""

    check: str
    subject: str
    state: State
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class PreflightNames:
    """Names to ask for. Zone apexes (SOA is asked for), but for ``denied``, which do not exist in signed zones.

    The defaults are known for what they are to stay: zones of operators who care for DNSSEC (the Internet Society,
    the IETF, NLnet Labs), names kept broken for tests (by Comcast, CZ.NIC and SIDN), and large companies without it.
    """

    signed: tuple[str, ...] = ("internetsociety.org", "ietf.org", "nlnetlabs.nl")
    bogus: tuple[str, ...] = ("dnssec-failed.org", "rhybar.cz", "servfail.nl")
    unsigned: tuple[str, ...] = ("google.com", "amazon.com")
    denied: tuple[str, ...] = ("mxsweep-preflight.ietf.org", "mxsweep-preflight.nlnetlabs.nl")


@dataclass(frozen=True, slots=True)
class Sample:
    """What one resolver answered, by purpose of the name. ``tcp`` is empty where TCP worked, else why not."""

    resolver: str
    trusted: bool
    signed: tuple[Answer, ...] = ()
    bogus: tuple[Answer, ...] = ()
    unsigned: tuple[Answer, ...] = ()
    denied: tuple[Answer, ...] = ()
    tcp: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when a signature holds; None where nobody showed one."""

    inception: datetime
    expiration: datetime


@dataclass(frozen=True, slots=True)
class _Purpose:
    """What the names of one purpose have to show."""

    check: str
    security: Security
    outcomes: frozenset[Outcome]
    shown: str


_DATA = frozenset({Outcome.DATA})
_ABSENT = frozenset({Outcome.NXDOMAIN, Outcome.NODATA})
_SIGNED = _Purpose("signed name", Security.SECURE, _DATA, "authenticated")
_BOGUS = _Purpose("bogus name", Security.BOGUS, frozenset({Outcome.ERROR}), "refused, and there without validation")
_UNSIGNED = _Purpose("unsigned name", Security.INSECURE, _DATA, "there, not authenticated")
_DENIED = _Purpose("denial", Security.SECURE, _ABSENT, "absence authenticated")


def judge(sample: Sample) -> tuple[Check, ...]:
    """Judge one resolver.

    Args:
        sample: what it answered.

    Returns:
        A row for each thing that it has to show. A resolver whose AD bit does not count cannot show anything: then
        one row says so.
    """
    if not sample.trusted:
        text = "not on loopback: its AD bit could have been set by anyone on the way"
        return (Check("trust", sample.resolver, State.FAIL, text, _TRUST),)
    return (
        _shown(_SIGNED, sample.resolver, sample.signed),
        _shown(_BOGUS, sample.resolver, sample.bogus),
        _shown(_UNSIGNED, sample.resolver, sample.unsigned),
        _shown(_DENIED, sample.resolver, sample.denied),
        _tcp(sample),
    )


def passed(checks: Iterable[Check]) -> bool:
    """True if no check failed."""
    return all(check.state is not State.FAIL for check in checks)


def _shown(purpose: _Purpose, resolver: str, answers: tuple[Answer, ...]) -> Check:
    """One well-behaved name is enough; without one, each answer is told."""
    for answer in answers:
        if answer.security is purpose.security and answer.outcome in purpose.outcomes:
            return Check(purpose.check, resolver, State.OK, f"{answer.name}: {purpose.shown}")
    seen = "; ".join(f"{answer.name}: {_in_words(answer)}" for answer in answers) or "no name to ask for"
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
        advice = "let DNS over TCP (port 53) through: large answers need it"
        return Check("tcp", sample.resolver, State.FAIL, f"no answer over TCP: {sample.tcp}", advice)
    return Check("tcp", sample.resolver, State.OK, "answers over TCP")


# --- the clock ------------------------------------------------------------------------------------------------


def window_of(reply: Message) -> Window | None:
    """Read from when to when the root's keys are signed.

    Args:
        reply: to the question for ``. DNSKEY`` with DO set.

    Returns:
        The times of the first signature over DNSKEY in it, None if there is none.
    """
    for record in reply.answers:
        octets = bytes.fromhex(record.rdata) if record.rtype == "RRSIG" else b""
        if len(octets) > _FIXED_RRSIG and int.from_bytes(octets[:2]) == _COVERED_DNSKEY:
            return Window(_time(octets[12:16]), _time(octets[8:12]))
    return None


def _time(octets: bytes) -> datetime:
    """Seconds since 1970; serial arithmetic (RFC 4034 section 3.1.5) is due only in 2106."""
    return datetime.fromtimestamp(int.from_bytes(octets), UTC)


def clock(window: Window | None, now: datetime, resolver: str) -> Check:
    """Judge our clock, which validation depends on, by the signature over the root's keys.

    Args:
        window: when that signature holds; None if it could not be had.
        now: what our clock says.
        resolver: whom the signature came from.
    """
    if window is None:
        return Check("clock", resolver, State.WARN, "no signature of the root's keys to compare with", "")
    if window.inception <= now <= window.expiration:
        return Check("clock", resolver, State.OK, "within the signature of the root's keys")
    times = f"{window.inception:%Y-%m-%d %H:%M} to {window.expiration:%Y-%m-%d %H:%M}"
    text = f"it is {now:%Y-%m-%d %H:%M} UTC here, but the root's keys are signed from {times}"
    return Check("clock", resolver, State.FAIL, text, "set the clock (NTP)")

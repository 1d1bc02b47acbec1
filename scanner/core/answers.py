"""Conversion of DNS replies to ``Answer`` records: the outcome of a DNS question and the DNSSEC state of the answer.

``interpret`` converts a DNS reply. ``failed`` makes the answer to a question that got no reply, and ``bogus`` makes the
answer after a failed DNSSEC validation. Three outcomes are conclusive: data, NODATA and NXDOMAIN. Any other reply
(SERVFAIL and other rcodes, a referral, a reply that contradicts itself) has the outcome ``error``, since such a reply
does not show whether records exist.

The DNSSEC state is the AD bit (RFC 4035 section 3.2.3) of a resolver that the caller trusts. The DNSSEC state is
``indeterminate`` without a trusted resolver or without a reply. mxsweep itself does not validate DNSSEC signatures; the
resolver does.
"""

from collections.abc import Iterable
from dataclasses import replace

from scanner.core.names import canonical, is_hostname
from scanner.core.wire import Message, Record
from scanner.facts import EDE, Alias, Answer, SecondOpinion
from scanner.vocabulary import Outcome, Security

MAX_ALIASES = 10  # maximum number of aliases that Postfix follows

ALIAS_LOOP = "alias loop"
MALFORMED = "malformed reply"
NOT_A_NAME = "not a name that the DNS can be asked for"
TIMEOUT = "timeout"
TRUNCATED = "truncated reply"

_SINGLE = ("CNAME", "DNAME")  # types for which aliases are not followed
_NETWORK_ERRORS = (22, 23)


def interpret(message: Message, name: str, rtype: str, *, trusted: bool, resolver: str = "", ms: float = 0.0) -> Answer:
    """Convert a reply to a DNS question into an ``Answer``.

    Args:
        message: a reply that the caller has matched to the question.
        name: the queried name.
        rtype: the queried type.
        trusted: the resolver validates, its AD bit is trusted, and the question requested validation.
        resolver: the resolver that replied, as text.
        ms: milliseconds until the reply.

    Returns:
        The answer. ``ttl`` is the least TTL of the records and aliases in the answer; for a negative answer, ``ttl``
        follows from the SOA (RFC 2308 section 5), and is 0 without an SOA.
    """
    asked = canonical(name)
    security = _security(message, trusted=trusted)
    path = [] if rtype in _SINGLE or not message.answers else _aliases(message.answers, asked)
    rname = path[-1].rdata if path else asked
    found = [r for r in message.answers if r.owner == rname and r.rtype == rtype]
    outcome, error = _outcome(message, path, found, rtype)
    ttl = min([r.ttl for r in (*path, *found)]) if found else _negative_ttl(message, path)
    return Answer(
        name=asked,
        rtype=rtype,
        outcome=outcome,
        security=Security.INDETERMINATE if outcome is Outcome.ERROR else security,
        records=_sorted(rtype, found) if outcome is Outcome.DATA else (),
        rname=rname,
        rcode=message.rcode,
        aliases=tuple([Alias(r.owner, r.rdata, _of_each(security)) for r in path]) if path else (),
        ede=message.ede,
        ttl=0 if outcome is Outcome.ERROR else ttl,
        resolver=resolver,
        error=error,
        ms=ms,
    )


def failed(name: str, rtype: str, error: str, *, resolver: str = "") -> Answer:
    """Return the answer to a question that got no reply, or whose reply could not be read.

    The answer has the outcome ``error`` and no rcode. ``error`` is the cause, and ``resolver`` the last resolver that
    was queried, both as text.
    """
    asked = canonical(name)
    return Answer(asked, rtype, Outcome.ERROR, Security.INDETERMINATE, rname=asked, resolver=resolver, error=error)


def shows_bogus(refused: Answer, unchecked: Message) -> bool:
    """Return whether failed validation caused a SERVFAIL, judged by the reply to the same question without validation.

    Args:
        refused: the answer with SERVFAIL.
        unchecked: the reply to the question with CD set (RFC 4035 section 3.2.2).

    Returns:
        True if the reply without validation contains records or denies the existence of records; False if the resolver
        explained the SERVFAIL by a network error only, since the network may have recovered between the two questions.
    """
    only_network = bool(refused.ede) and all(e.code in _NETWORK_ERRORS for e in refused.ede)
    return unchecked.rcode in ("NOERROR", "NXDOMAIN") and not only_network


def bogus(answer: Answer) -> Answer:
    """Return a SERVFAIL answer as ``bogus``, with the resolver's extended DNS errors as explanation."""
    why = "; ".join(_explained(e) for e in answer.ede)
    error = f"DNSSEC validation failed: {why}" if why else "DNSSEC validation failed"
    return replace(answer, security=Security.BOGUS, error=error)


def unfinished(answer: Answer) -> bool:
    """Return whether a reply contains an alias chain but no answer for the last name of the alias chain.

    A negative answer for the last name of the alias chain contains an SOA record (RFC 2308 section 2.2), which
    determines ``ttl``. If ``ttl`` is 0, the caller has to query the last name of the alias chain.
    """
    return answer.outcome is Outcome.NODATA and bool(answer.aliases) and answer.ttl == 0


def joined(first: Answer, rest: Answer) -> Answer:
    """Join an unfinished answer (``first``) with the answer for the last name of its alias chain (``rest``).

    The result is secure only if ``first`` and ``rest`` are secure, and is an error if the alias chain is a loop or has
    more than ``MAX_ALIASES`` aliases.
    """
    aliases = first.aliases + rest.aliases
    seen = {alias.owner for alias in aliases}
    decided_by_rest = first.security is Security.SECURE or rest.outcome is Outcome.ERROR
    whole = replace(
        rest,
        name=first.name,
        aliases=aliases,
        security=rest.security if decided_by_rest else first.security,
        ede=first.ede + rest.ede,
        ttl=0,  # the TTL of the aliases is not in ``first``
        ms=round(first.ms + rest.ms, 3),
    )
    if len(seen) < len(aliases) or len(aliases) > MAX_ALIASES or rest.rname in seen:
        return replace(whole, outcome=Outcome.ERROR, security=Security.INDETERMINATE, records=(), error=ALIAS_LOOP)
    return whole


def second_opinion(first: Answer, second: Answer) -> SecondOpinion:
    """Return the answer of another resolver to the question of a failed answer (``first``), as a ``SecondOpinion``.

    ``disagrees`` is true if the second answer is conclusive or shows that validation fails.
    """
    disagrees = second.outcome is not Outcome.ERROR or (Security.BOGUS is second.security is not first.security)
    return SecondOpinion(second.resolver, second.outcome, second.security, second.rcode, second.error, disagrees)


def postfix_text(answer: Answer) -> str:
    """Return the reason why a lookup returned no records, as Postfix's DNS client reports it.

    The reason is one line without a final full stop; it is empty if the answer contains records.
    """
    if answer.outcome is Outcome.DATA:
        return ""
    if answer.error == NOT_A_NAME and not is_hostname(answer.name):
        return f"Name service error for {answer.name}: invalid host or domain name"
    if answer.error == ALIAS_LOOP:
        return f"Name server loop for {answer.name}"
    subject = f"Name service error for name={answer.name} type={answer.rtype}: "
    clean_rcode = answer.rcode in ("NOERROR", "NXDOMAIN")
    if answer.outcome is Outcome.ERROR and (clean_rcode or answer.error == MALFORMED):
        return f"{subject}Malformed or unexpected name server reply"
    return f"Host or domain name not found. {subject}{_resolver_error(answer)}"


def _security(message: Message, *, trusted: bool) -> Security:
    if not trusted:
        return Security.INDETERMINATE
    return Security.SECURE if message.ad else Security.INSECURE


def _of_each(security: Security) -> Security:
    """Return the DNSSEC state of one alias, from the DNSSEC state of the whole reply.

    If the reply is not secure, the state of the alias is indeterminate, because another record of the reply may be the
    only insecure record.
    """
    return Security.SECURE if security is Security.SECURE else Security.INDETERMINATE


def _aliases(records: Iterable[Record], name: str) -> list[Record]:
    """Return the chain of CNAMEs that starts at a name, cut after ``MAX_ALIASES + 1`` records.

    A DNAME record is ignored, because the reply also contains the CNAME synthesized from the DNAME record (RFC 6672
    section 3.1).
    """
    cnames: dict[str, Record] = {}
    for record in records:
        if record.rtype == "CNAME":
            cnames.setdefault(record.owner, record)
    path: list[Record] = []
    while (step := cnames.get(name)) is not None and len(path) <= MAX_ALIASES:
        path.append(step)
        name = step.rdata
    return path


def _outcome(message: Message, path: list[Record], found: list[Record], rtype: str) -> tuple[Outcome, str]:
    """Return the outcome of a reply and, for an error, its cause."""
    if message.rcode not in ("NOERROR", "NXDOMAIN"):
        return Outcome.ERROR, message.rcode
    if message.tc:
        return Outcome.ERROR, TRUNCATED
    if len(path) > MAX_ALIASES:
        # Postfix treats a loop as "not found". A loop does not prove absence, so here the lookup failed.
        return Outcome.ERROR, ALIAS_LOOP
    if found:
        contradiction = message.rcode == "NXDOMAIN"
        return (Outcome.ERROR, "NXDOMAIN with records") if contradiction else (Outcome.DATA, "")
    return _negative(message, path, rtype)


def _negative(message: Message, path: list[Record], rtype: str) -> tuple[Outcome, str]:
    if message.rcode == "NXDOMAIN":
        return Outcome.NXDOMAIN, ""
    if message.referral:
        return Outcome.ERROR, "referral: the server does not recurse"
    if not (message.ra or message.aa) and message.negative_ttl is None:
        return Outcome.ERROR, "the server does not recurse"
    if message.answers and _beside_the_point(message, path, rtype):
        return Outcome.ERROR, "records of another name"
    return Outcome.NODATA, ""


def _beside_the_point(message: Message, path: list[Record], rtype: str) -> bool:
    """Return whether the answer section contains records of the queried type at a name outside the alias chain."""
    return any(r.rtype == rtype or (r.rtype == "DNAME" and not path) for r in message.answers)


def _negative_ttl(message: Message, path: list[Record]) -> int:
    return min([message.negative_ttl or 0, *[r.ttl for r in path]]) if path else message.negative_ttl or 0


def _sorted(rtype: str, found: list[Record]) -> tuple[str, ...]:
    """Return the distinct rdata of an RRset in a fixed order; numbers at the beginning are sorted as numbers."""
    if len(found) == 1:
        return (found[0].rdata,)
    texts = {r.rdata for r in found}
    numbers = {"MX": 1, "SRV": 3}.get(rtype, 0)
    return tuple(sorted(texts, key=lambda text: _order(text, numbers)))


def _order(text: str, numbers: int) -> tuple[list[int], str]:
    *leading, rest = text.split(" ", numbers)
    return [int(n) for n in leading], rest


def _explained(error: EDE) -> str:
    if error.text:
        return error.text
    from scanner.core import wire_any  # noqa: PLC0415 - dnspython takes 61 ms to load

    return wire_any.explain(error.code)


def _resolver_error(answer: Answer) -> str:
    if answer.outcome is Outcome.NXDOMAIN:
        return "Host not found"
    if answer.outcome is Outcome.NODATA:
        return "Host found but no data record of requested type"
    if answer.rcode in ("", "SERVFAIL", "REFUSED", "NOTIMP") and answer.error != NOT_A_NAME:  # "" = no reply at all
        return "Host not found, try again"
    return "Non-recoverable error"

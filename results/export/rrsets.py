"""RRsets as text in the presentation format of zone files (RFC 1035 section 5.1), one line for each record."""

from scanner.core.tlsa import parse_rdata, presentation
from scanner.facts import Answer, TLSALookup

NAMES = ("MX", "CNAME")  # record types whose stored text ends in a name without the final dot
SHORTEST_TLSA = 4  # minimum number of octets of TLSA rdata with a presentation format: three numbers and data


def rrset(answer: Answer | None) -> tuple[str, ...]:
    """Return the records of a DNS answer as lines ``OWNER TTL IN TYPE RDATA``.

    The result is empty if ``answer`` is None or contains no record. In the returned lines, OWNER is the name at the end
    of the chain of aliases. TLSA rdata that is not hexadecimal is returned as stored.
    """
    if answer is None:
        return ()
    begin = f"{answer.rname or answer.name}. {answer.ttl} IN {answer.rtype} "
    return tuple(begin + _rdata(answer.rtype, text) for text in answer.records)


def tlsa_rrset(lookup: TLSALookup) -> tuple[str, ...]:
    """Return the TLSA records of every answer of a TLSA lookup, see ``rrset``."""
    return tuple(line for answer in lookup.steps if answer.rtype == "TLSA" for line in rrset(answer))


def _rdata(rtype: str, text: str) -> str:
    if rtype in NAMES:
        return text if text.endswith(".") else f"{text}."
    return _tlsa(text) if rtype == "TLSA" else text


def _tlsa(text: str) -> str:
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return text
    if len(octets) < SHORTEST_TLSA:
        return f"\\# {len(octets)} {octets.hex()}".strip()  # format of unknown data, RFC 3597 section 5
    return presentation(parse_rdata(text))

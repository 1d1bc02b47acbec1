"""The TXT records of MTA-STS (``_mta-sts``, RFC 8461 section 3.1) and of TLSRPT (``_smtp._tls``, RFC 8460 section 3).

The MTA-STS record and the TLSRPT record consist of a version field (``v=STSv1`` or ``v=TLSRPTv1``) and of fields
``name=value`` between semicolons. TXT records that do not begin with the version have another use and are ignored. If
several TXT records of a name begin with the version field, senders use no record.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from scanner.facts import Answer
from scanner.sts import STSReport, TLSRPTReport
from scanner.vocabulary import Outcome, TXTRecord

MAX_URIS = 100
"""Maximum number of URIs that are read from a TLSRPT record; a usual record has one or two URIs."""

SCHEMES = ("mailto", "https")
"""The URI schemes that a TLSRPT record may contain (RFC 8460 section 3)."""

_STS, _TLSRPT = "v=STSv1", "v=TLSRPTv1"
_SPACE = " \t"
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\([0-9]{3}|.)", re.DOTALL)
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_EXTENSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[!-:<>-~]+")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):[!-~]+")


def record_name(domain: str) -> str:
    """Return the domain name of the MTA-STS record of a domain."""
    return f"_mta-sts.{domain}"


def policy_host(domain: str) -> str:
    """Return the name of the policy host of a domain, which the certificate of the policy host must contain."""
    return f"mta-sts.{domain}"


def tlsrpt_name(domain: str) -> str:
    """Return the domain name of the TLSRPT record of a domain."""
    return f"_smtp._tls.{domain}"


def text_of(rdata: str) -> str:
    """Return the text of a TXT record: its character-strings, joined without a separator (RFC 8461 section 3.1).

    Args:
        rdata: the record in presentation format (RFC 1035 section 5.1); a text without quotes is returned unchanged.

    Returns:
        The octets of the record, each octet as the character with the same code point.
    """
    strings = _STRING.findall(rdata)
    return "".join([_ESCAPE.sub(_unescaped, string) for string in strings]) if strings else rdata


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code) & 0xFF) if len(code) > 1 else code


@dataclass(frozen=True, slots=True)
class _Selected:
    """The TXT record with the required version, selected from all TXT records of a name.

    ``fields`` contains the fields after the version field; it is empty unless exactly one TXT record has the version.
    """

    state: TXTRecord
    fields: tuple[str, ...] = ()
    error: str = ""


_ABSENT = _Selected(TXTRecord.ABSENT)
_LOOKUP_FAILED = _Selected(TXTRecord.LOOKUP_FAILED)


def _selected(answer: Answer, version: str) -> _Selected:
    """Select the TXT record that begins with a version."""
    if not answer.records:  # most domains have no record
        return _LOOKUP_FAILED if answer.outcome is Outcome.ERROR else _ABSENT
    texts = [text_of(rdata) for rdata in answer.records]
    marked = [fields for text in texts if (fields := _fields(text)) and len(fields) > 1 and fields[0] == version]
    if len(marked) > 1:
        return _Selected(TXTRecord.MULTIPLE, error=f"{len(marked)} records begin with {version};")
    if marked:
        return _Selected(TXTRecord.VALID, marked[0][1:])
    if any(text.strip().casefold().startswith(version.casefold()) for text in texts):
        return _Selected(TXTRecord.INVALID, error=f"the record does not begin with {version};")
    return _ABSENT


def _fields(text: str) -> tuple[str, ...]:
    """Return the fields between semicolons, without spaces and tabs around a semicolon.

    A semicolon may end the text.
    """
    first, *rest = text.split(";")
    fields = [first.rstrip(_SPACE), *(field.strip(_SPACE) for field in rest)]
    return tuple(fields[:-1] if len(fields) > 2 and not fields[-1] else fields)  # noqa: PLR2004 - version and a field


def sts_report(domain: str, answer: Answer, at: datetime) -> STSReport:
    """Return the MTA-STS report of a domain with the MTA-STS record, but without the policy.

    Args:
        domain: the domain, in A-labels.
        answer: the TXT answer for ``record_name(domain)``.
        at: the time of the observation.
    """
    found = _selected(answer, _STS)
    state, policy_id, error = found.state, "", found.error
    if state is TXTRecord.VALID:
        policy_id, error = _policy_id(found.fields)
        state = TXTRecord.INVALID if error else state
    return STSReport(answer, state, policy_host(domain), at, id=policy_id, record_error=error)


def _policy_id(fields: Sequence[str]) -> tuple[str, str]:
    """Return the id of an MTA-STS record and the first syntax error; of several ids, return the first id."""
    ids = [field.removeprefix("id=") for field in fields if field.startswith("id=")]
    if not ids:
        return "", "the record has no id"
    if not all(_ID.fullmatch(each) for each in ids):
        return "", "the id is not 1 to 32 letters and digits"
    wrong = next((field for field in fields if not field.startswith("id=") and not _EXTENSION.fullmatch(field)), None)
    return (ids[0], "") if wrong is None else ("", f"{wrong[:80]!r} is not a field")


def tlsrpt_report(answer: Answer) -> TLSRPTReport:
    """Return the TLSRPT record of a domain, from the TXT answer for ``tlsrpt_name``.

    ``defects`` contains the syntax error of a record, or the faults that senders tolerate.
    """
    found = _selected(answer, _TLSRPT)
    if found.state is not TXTRecord.VALID:
        return TLSRPTReport(answer, found.state, defects=(found.error,) if found.error else ())
    listed = [field.removeprefix("rua=") for field in found.fields if field.startswith("rua=")]
    uris = [uri.strip(_SPACE) for value in listed for uri in value.split(",")][:MAX_URIS]
    usable = tuple(uri for uri in uris if (match := _URI.fullmatch(uri)) and match[1].lower() in SCHEMES)
    odd = tuple(f"{uri[:80]!r} is not a mailto or https URI" for uri in uris if uri not in usable)
    if not usable:
        return TLSRPTReport(answer, TXTRecord.INVALID, defects=odd or ("the record has no rua",))
    others = [field for field in found.fields if not field.startswith("rua=") and not _EXTENSION.fullmatch(field)]
    return TLSRPTReport(answer, found.state, usable, odd + tuple(f"{each[:80]!r} is not a field" for each in others))

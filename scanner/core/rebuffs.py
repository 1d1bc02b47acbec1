"""Recognition of replies that refuse this scanner, by policy or because its address is on a block list.

A reply that refuses this scanner does not show which features the server offers to other clients, so no verdict
depends on such a reply. The texts of refusals differ between operators, so the patterns match terms such as "blocked"
together with a list, an address or a reputation, and the status codes of RFC 3463 (X.7.x: security or policy).
"""

import re

from scanner.facts import Failure
from scanner.vocabulary import FailureKind, Phase

CLOSING = 421
"""The reply code 421 of a server that closes the connection, for a restart or a limit (RFC 5321 section 3.8)."""

_POLICY_CODES = (550, 554)
_POLICY = re.compile(r"5\.7\.\d")

_LISTS = (
    *("spamhaus", "spamcop", "barracudacentral", "sorbs", "uceprotect", "abuseat", "invaluement", "senderscore"),
    *("surriel", "mailspike", "spamrats", "nixspam", "manitu", "sbl", "xbl", "pbl", "cbl"),
)
_BANNED = re.compile(
    r"|".join(
        (
            rf"\b(?:{'|'.join(_LISTS)})\b",
            r"\bdnsbl|\brbl\b|\brhsbl\b",
            r"black[- ]?list|block[- ]?list|deny[- ]?list|\bbanned\b",
            r"\b(?:ip|address|host|client|\d+\.\d+\.\d+\.\d+\]?)\b.{0,60}\b(?:blocked|listed|refused|denied)\b",
            r"\b(?:blocked|refused|denied|rejected)\b.{0,40}\b(?:your|sending|source) (?:ip|address|host|network)\b",
            r"\b(?:poor|bad|low) (?:ip |sender |sending )*reputation|reputation of",
            r"5\.7\.60[0-9]|5\.7\.511|S3150|S3140",
        )
    ),
    re.IGNORECASE,
)


def bans_us(code: int | None, text: str) -> bool:
    """Return whether a reply refuses the address or network of this scanner: listed, blocked or of bad reputation."""
    return code is not None and code // 100 in (4, 5) and _BANNED.search(text) is not None


def is_policy(code: int | None, text: str) -> bool:
    """Return whether a reply is a refusal by policy (550 or 554 with status 5.7.x)."""
    return code in _POLICY_CODES and _POLICY.match(text) is not None


def shows_nothing_of_tls(phase: Phase, code: int, text: str) -> bool:
    """Return whether a refusal of EHLO or STARTTLS does not show whether the server supports TLS.

    A server that replies 421 closes the connection (RFC 5321 section 3.8). A refusal of this scanner's address, or of
    EHLO by policy, does not apply to other clients.
    """
    return code == CLOSING or bans_us(code, text) or (phase is Phase.EHLO and is_policy(code, text))


def turns_away(failure: Failure) -> bool:
    """Return whether a failure puts its provider into back-off: reply code 421, a policy refusal, a blocked address."""
    if failure.kind is not FailureKind.REJECTED:
        return False
    greeting = failure.phase is Phase.GREETING and failure.code in _POLICY_CODES
    said = failure.code, failure.text
    return failure.code == CLOSING or greeting or is_policy(*said) or bans_us(*said)

"""Replies that are about us and not about the server: it turns us away, by policy or for being listed.

Such a reply says nothing of what the server offers to others, so no verdict may follow from it. Texts differ from
operator to operator; what is looked for is a word of being blocked together with a list, an address or a reputation,
and the status codes of RFC 3463 (X.7.x: security or policy).
"""

import re

from scanner.facts import Failure
from scanner.vocabulary import FailureKind, Phase

CLOSING = 421
"""The server is closing down, or has had enough of us (RFC 5321 section 3.8)."""

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
    """Does a reply say that our address or network is on a list, or otherwise unwanted?"""
    return code is not None and code // 100 in (4, 5) and _BANNED.search(text) is not None


def is_policy(code: int | None, text: str) -> bool:
    """Is a reply a refusal by policy (550 or 554 with status 5.7.x)?"""
    return code in _POLICY_CODES and _POLICY.match(text) is not None


def turns_away(failure: Failure) -> bool:
    """Should a failure make us slow down at this provider: 421, a refusal by policy, a ban?"""
    if failure.kind is not FailureKind.REJECTED:
        return False
    greeting = failure.phase is Phase.GREETING and failure.code in _POLICY_CODES
    said = failure.code, failure.text
    return failure.code == CLOSING or greeting or is_policy(*said) or bans_us(*said)

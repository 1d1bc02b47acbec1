"""The labels of a domain under which MTA-STS and TLSRPT are counted.

The table ``sts_funnel`` counts domains by steps, from the examined domains to the protected domains; the domains of a
step are a subset of the domains of the preceding step.
"""

from functools import lru_cache

from results.count.base import Word
from results.store.partial import STSPart, TXTPart
from scanner.vocabulary import DomainSTS, PolicyMode, TXTRecord

STS_FUNNEL = ("examined", "record", "policy", "enforce", "protected")
"""The steps of the table ``sts_funnel``: MTA-STS was examined, the domain has one MTA-STS record, the policy host
returns a policy with correct syntax, the mode of the policy is ``enforce``, and the verdict is ``protected``."""

_CACHED = 1024


@lru_cache(maxsize=_CACHED)
def words_of_policy(verdict: str | None, sts: STSPart | None, tlsrpt: TXTPart | None) -> frozenset[Word]:
    """Return the labels of a domain; no labels if the scan did not examine MTA-STS.

    Args:
        verdict: the MTA-STS verdict of the domain.
        sts: the MTA-STS record and policy, None if the domain takes no mail.
        tlsrpt: the TLSRPT record, None if the domain takes no mail.
    """
    if verdict is None:
        return frozenset()
    words: set[Word] = {("sts_funnel", step) for step in STS_FUNNEL[: 1 + _steps(verdict, sts)]}
    if tlsrpt is not None:
        words.add(("tlsrpt_record", tlsrpt.record))
    return frozenset(words)


def _steps(verdict: str, sts: STSPart | None) -> int:
    """Return the number of steps in ``STS_FUNNEL`` that an examined domain reaches, such as 1 for a valid record."""
    if sts is None or sts.record != TXTRecord.VALID:
        return 0
    if sts.policy is None:
        return 1
    if sts.policy.mode != PolicyMode.ENFORCE:
        return 2
    return 4 if verdict == DomainSTS.PROTECTED else 3

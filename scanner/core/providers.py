"""The provider of an MX host: the registrable domain of its name, by the list of ``publicsuffixlist``."""

from functools import cache, lru_cache
from pathlib import Path

from publicsuffixlist import PSLFILE, PublicSuffixList

REMEMBERED = 4096
"""Maximum number of MX hosts whose provider is cached; a scan determines the provider of a host several times."""


@cache
def _suffixes() -> PublicSuffixList:
    """Return the Public Suffix List with A-labels, as names have in the DNS.

    ``PublicSuffixList`` would need 0.1 s to encode all rules as A-labels.
    """
    lines = Path(PSLFILE).read_text("utf-8").lower().splitlines()
    rules = [line.split(" ")[0].rstrip() for line in lines if not line.startswith("//")]
    encoded = [rule if rule.isascii() else rule.encode("idna").decode("ascii") for rule in rules]
    return PublicSuffixList(encoded, accept_encoded_idn=False)


@lru_cache(REMEMBERED)
def provider_of(host: str) -> str:
    """Return the registrable domain of an MX host; an address or public suffix is returned unchanged."""
    if ":" in host or host.rpartition(".")[2].isdigit():  # a top-level domain is never a number
        return host
    return _suffixes().privatesuffix(host) or host

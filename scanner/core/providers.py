"""The provider of an MX host: the registrable domain of its name, by the list of ``publicsuffixlist``."""

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

REMEMBERED = 4096
"""Maximum number of MX hosts whose provider is cached, since a scan needs each provider several times in succession."""


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(REMEMBERED)
def provider_of(host: str) -> str:
    """Return the registrable domain of an MX host; an address or public suffix is returned as it is."""
    if ":" in host or host.rpartition(".")[2].isdigit():  # a top-level domain is never a number
        return host
    return _suffixes().privatesuffix(host) or host

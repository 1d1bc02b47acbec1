"""The provider of an MX host: the registrable domain of its name, by the public suffix list of the library."""

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

REMEMBERED = 4096
"""Hosts whose provider is cached: each is needed several times in a row."""


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(REMEMBERED)
def provider_of(host: str) -> str:
    """Return the registrable domain of an MX host; the host itself where it has none (an address, a bare suffix)."""
    if ":" in host or host.rpartition(".")[2].isdigit():  # no top-level domain is a number
        return host
    return _suffixes().privatesuffix(host) or host

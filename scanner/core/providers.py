"""Whose MX host is it? The registrable domain of its name, by the public suffix list that the library ships."""

from functools import cache

from publicsuffixlist import PublicSuffixList


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def provider_of(host: str) -> str:
    """The registrable domain of an MX host; the host itself where it has none (an address, a bare suffix)."""
    if ":" in host or host.rpartition(".")[2].isdigit():  # no top-level domain is a number
        return host
    return _suffixes().privatesuffix(host) or host

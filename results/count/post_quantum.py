"""Post-quantum key exchange by provider: MX hosts that negotiate a post-quantum group or need a second ClientHello."""

from collections import Counter
from dataclasses import dataclass

from results.count.base import Word
from results.count.domains import Domains

_WORDS: dict[str, Word] = {
    "tls": ("tls", "yes"),
    "post_quantum": ("post_quantum", "yes"),
    "supported": ("post_quantum", "supported"),
    "second_hello": ("post_quantum", "second hello"),
}


@dataclass(frozen=True, slots=True)
class PostQuantumProvider:
    """The counts of a provider's MX hosts by post-quantum key exchange.

    ``tls`` counts hosts with TLS, and ``post_quantum`` hosts that negotiate a post-quantum group. ``supported`` counts
    hosts that negotiate a classical group and accept a post-quantum group, which only ``scan --pq`` determines.
    ``second_hello`` counts hosts that ask for a second ClientHello.
    """

    name: str
    tls: int
    post_quantum: int
    supported: int
    second_hello: int


def post_quantum_providers(domains: Domains) -> tuple[PostQuantumProvider, ...]:
    """Return the providers with TLS at an MX host; the provider with the most MX hosts with TLS is first."""
    bits = {name: domains.bits.get(word, 0) for name, word in _WORDS.items()}
    counts: Counter[tuple[str, str]] = Counter()
    for host, mask in domains.masks.items():
        provider = domains.provider_of_host.get(host, "")
        counts.update((provider, name) for name, bit in bits.items() if mask & bit)
    names = {provider for provider, word in counts if provider and word == "tls"}
    found = (PostQuantumProvider(name, *(counts[name, word] for word in _WORDS)) for name in names)
    return tuple(sorted(found, key=lambda row: (-row.tls, row.name)))

r"""The canonical spelling of host names, and the owner names of TLSA records.

A domain name is written as an absolute name in lower case, without the final dot; the root is ``.``. Unprintable octets
of a name are written as ``\DDD``. The rules for host names and addresses are the rules of ``targets.hostnames``.
"""

from targets.hostnames import is_address, is_hostname

__all__ = ["canonical", "is_address", "is_hostname", "tlsa_name"]


def canonical(name: str) -> str:
    """Return a domain name in ASCII in the spelling used in all output; the name may have a final dot."""
    lowered = name.lower()
    if lowered == "." or lowered.endswith("\\."):  # an escaped dot belongs to the last label
        return lowered
    return lowered.removesuffix(".")


def tlsa_name(base: str, port: int) -> str:
    """Return the owner name of the TLSA records of a TCP service (RFC 6698 section 3)."""
    return f"_{port}._tcp.{base}"

"""Fuzzers of everything that reads data from outside; ``python -m tests.fuzz`` runs them for long."""

from tests.fuzz import certificates, dns_messages, lists, policies, runs, saved_cases, smtp_replies, tlsa_records
from tests.fuzz.fuzzer import Fuzzer

_MODULES = (certificates, dns_messages, smtp_replies, lists, tlsa_records, saved_cases, runs)

FUZZERS: dict[str, Fuzzer] = {
    fuzzer.name: fuzzer for fuzzer in (*(module.FUZZER for module in _MODULES), *policies.FUZZERS)
}
"""The fuzzers by name."""

"""The violations of name constraints (RFC 5280 section 4.2.1.10) along a path, as OpenSSL detects them.

OpenSSL checks the names of each certificate against the constraints of every certificate above it, from the anchor down
to the leaf, and stops at the first error. Postfix reports the error nearest to the leaf, so this module verifies each
certificate with each set of constraints separately.
"""

import hashlib
from collections.abc import Iterator, Sequence

from scanner.core.x509 import openssl, synthetic
from scanner.core.x509.cache import Kept
from scanner.core.x509.certificate import Certificate
from scanner.core.x509.issuing import Found
from scanner.core.x509.openssl import VerifyFlags
from scanner.core.x509.verify_error import NAME_ERRORS

ANSWERS = 4096
"""Maximum number of cached results of ``_violation``; few certificate authorities use name constraints."""

_answers: Kept[bytes, int] = Kept(ANSWERS)


def violations(path: Sequence[Certificate]) -> Iterator[Found]:
    """Yield the violations of name constraints along a path, leaf first.

    If a certificate violates the constraints of several issuers, the violation for the issuer nearest to the anchor is
    yielded first. Self-issued certificates above the leaf are exempt from name constraints.
    """
    for depth, certificate in enumerate(path):
        if depth == 0 or not certificate.self_issued:
            for above in reversed(path[depth + 1 :]):
                constraints = above.extensions.name_constraints
                num = _violation(certificate, constraints, leaf=depth == 0) if constraints else 0
                if num:
                    yield num, depth


def _violation(certificate: Certificate, constraints: bytes, *, leaf: bool) -> int:
    """Return the error number of one certificate under one set of constraints, 0 without a violation."""
    subject, alt_names = certificate.subject, certificate.extensions.names
    key = hashlib.sha256(b"%d %d " % (leaf, len(alt_names)) + alt_names + subject + constraints).digest()
    return _answers.get(key, lambda: _asked(subject, alt_names, constraints, leaf=leaf))


def _asked(subject: bytes, alt_names: bytes, constraints: bytes, *, leaf: bool) -> int:
    *below, anchor = synthetic.constrained(subject, alt_names, constraints, leaf=leaf)
    answer = openssl.ask(below[0], below[1:], (anchor,), VerifyFlags.PARTIAL_CHAIN)
    return answer.num if answer.num in NAME_ERRORS else 0

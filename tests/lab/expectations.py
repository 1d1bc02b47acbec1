"""Verdicts of most lab domains, by name."""

from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Sender
from tests.lab.model import Expect


def protected(*reasons: Reason) -> Expect:
    """DANE matches on every MX host: a sender authenticates the server."""
    return Expect(DomainOutcome.OK, Sender.VERIFIED, DomainDane.PROTECTED, DomainStartTLS.ALL, reasons)


def broken(*reasons: Reason, starttls: DomainStartTLS = DomainStartTLS.ALL) -> Expect:
    """TLSA records are published and do not match: mail is deferred (RFC 7672 section 2.2)."""
    return Expect(DomainOutcome.FAIL, Sender.DEFER, DomainDane.BROKEN, starttls, reasons)


def unprotected(*reasons: Reason) -> Expect:
    """No DANE; TLS is used where it is offered, whatever the certificate (RFC 7435)."""
    return Expect(DomainOutcome.OK, Sender.ENCRYPTED, DomainDane.NONE, DomainStartTLS.ALL, reasons)


def cleartext(*reasons: Reason) -> Expect:
    """No DANE and no TLS: mail is delivered in clear text."""
    return Expect(DomainOutcome.OK, Sender.CLEARTEXT, DomainDane.NONE, DomainStartTLS.NONE, reasons)


def insecure(*reasons: Reason) -> Expect:
    """The MX RRset is unsigned: TLS may match TLSA records, but an attacker could have replaced the MX host."""
    return Expect(DomainOutcome.OK, Sender.ENCRYPTED, DomainDane.INSECURE, DomainStartTLS.ALL, reasons)


def inconclusive(*reasons: Reason) -> Expect:
    """The hosts publish TLSA records and could not be judged: mail is deferred, the verdict is unknown."""
    return Expect(DomainOutcome.INCONCLUSIVE, Sender.DEFER, DomainDane.UNKNOWN, DomainStartTLS.UNKNOWN, reasons)


def no_mail(*reasons: Reason) -> Expect:
    """There is no MX host: mail is bounced."""
    return Expect(DomainOutcome.NO_MAIL, Sender.BOUNCE, DomainDane.NO_MAIL, DomainStartTLS.NO_MAIL, reasons)

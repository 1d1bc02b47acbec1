"""The verdicts that most lab domains come to, by name, so that the tables read like sentences."""

from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Sender
from tests.lab.model import Expect


def protected(*reasons: Reason) -> Expect:
    """DANE holds on every MX host: a sender verifies whom it talks to."""
    return Expect(DomainOutcome.OK, Sender.VERIFIED, DomainDane.PROTECTED, DomainStartTLS.ALL, reasons)


def broken(*reasons: Reason, starttls: DomainStartTLS = DomainStartTLS.ALL) -> Expect:
    """TLSA records are published and not lived up to: mail waits in the queue (RFC 7672 section 2.2)."""
    return Expect(DomainOutcome.FAIL, Sender.DEFER, DomainDane.BROKEN, starttls, reasons)


def unprotected(*reasons: Reason) -> Expect:
    """No DANE; TLS is used because it is there, whatever the certificate (RFC 7435)."""
    return Expect(DomainOutcome.OK, Sender.ENCRYPTED, DomainDane.NONE, DomainStartTLS.ALL, reasons)


def cleartext(*reasons: Reason) -> Expect:
    """No DANE and no TLS: mail is delivered and anyone can read it."""
    return Expect(DomainOutcome.OK, Sender.CLEARTEXT, DomainDane.NONE, DomainStartTLS.NONE, reasons)


def insecure(*reasons: Reason) -> Expect:
    """The MX RRset is unsigned: TLS may match TLSA records, but anyone could have changed where it leads."""
    return Expect(DomainOutcome.OK, Sender.ENCRYPTED, DomainDane.INSECURE, DomainStartTLS.ALL, reasons)


def inconclusive(*reasons: Reason) -> Expect:
    """The hosts published TLSA records but did not say enough: mail waits, and nobody is accused."""
    return Expect(DomainOutcome.INCONCLUSIVE, Sender.DEFER, DomainDane.UNKNOWN, DomainStartTLS.UNKNOWN, reasons)


def no_mail(*reasons: Reason) -> Expect:
    """There is nowhere to send mail to: it goes back to its author."""
    return Expect(DomainOutcome.NO_MAIL, Sender.BOUNCE, DomainDane.NO_MAIL, DomainStartTLS.NO_MAIL, reasons)

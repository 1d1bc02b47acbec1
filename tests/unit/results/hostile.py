"""A domain and texts that attack a terminal, and the check that nothing of them gets through."""

import re
from dataclasses import replace
from io import StringIO

from rich.console import Console

from results.store.line_sink import summary_of
from scanner.facts import TLSARecord
from scanner.model import DomainRecord, EndpointReport, PathError, Skipped
from scanner.reasons import Reason
from scanner.vocabulary import Dane, DomainOutcome, Pkix, Sender, StartTLS, TLSState
from tests.unit import records
from tests.unit.records import DIGEST

# Control sequences of a terminal (clear the screen, change the title, return to the begin of the line, reverse the
# direction, hide), and markup of rich (colours and links).
HOSTILE = "\x1b[2J\x1b]0;owned\x07454 \rOK \u202emoc.live\u2066\u200b \x9b31m [red]no[/red] [/nope] [link=x]y \x00"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def console(width: int = 80) -> Console:
    """Return a console that writes to memory."""
    return Console(file=StringIO(), width=width, force_terminal=False, color_system=None)


def printed(to: Console) -> str:
    """Return the text printed on such a console."""
    assert isinstance(to.file, StringIO)
    return to.file.getvalue()


def flat(text: str) -> str:
    """Return text without the line ends of the layout."""
    return " ".join(text.split())


def hostile_domain() -> DomainRecord:
    """Return a domain in which every text from outside is hostile."""
    endpoint = records.endpoint_verdict(
        address=HOSTILE,
        tls=TLSState.FAILED,
        dane=Dane.NO_TLS,
        pkix=Pkix.UNKNOWN,
        starttls=StartTLS.REFUSED,
        sender=Sender.DEFER,
        text=HOSTILE,
        reasons=(Reason.STARTTLS_REFUSED,),
    )
    host = records.host_verdict(
        host=HOSTILE, dane=Dane.NO_TLS, sender=Sender.DEFER, endpoints=(endpoint,), text=HOSTILE
    )
    shaken = records.handshake(version=HOSTILE, cipher=HOSTILE, group=HOSTILE, signature=HOSTILE)
    found = records.evidence(record=TLSARecord(3, 1, 1, HOSTILE), errors=(PathError(10, 0, HOSTILE, HOSTILE),), depth=1)
    report = records.report(
        host=HOSTILE,
        tlsa=replace(records.report().tlsa, records=(TLSARecord(3, 1, 1, HOSTILE),)),
        endpoints=(EndpointReport(HOSTILE, (records.probe(handshake=shaken),), found),),
        skipped=(Skipped(HOSTILE, Reason.OPTED_OUT),),
        inferred={"from": HOSTILE},
    )
    return records.domain(
        key=HOSTILE,
        hosts=(host, replace(host, endpoints=(), report=None)),
        verdict=records.verdict(outcome=DomainOutcome.FAIL, sender=Sender.DEFER, text=HOSTILE),
        reports=(report,),
        certificates={DIGEST: summary_of(records.cert(subject=HOSTILE))},
    )


def assert_harmless(text: str) -> None:
    """Assert that no control character is left and the escapes are visible."""
    assert OBEYED.search(text) is None
    assert "\\x1b" in text

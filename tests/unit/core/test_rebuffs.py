"""Replies that are about us: the texts are of the kinds that mail servers in the field send (RFC 3463 for X.7.x)."""

import pytest

from scanner.core import rebuffs
from scanner.core.dialogue import Dialogue
from scanner.core.failure_reason import reason_of
from scanner.facts import Failure
from scanner.reasons import Reason
from scanner.vocabulary import FailureKind, Phase, StartTLS

BANS = [
    (554, "5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org"),
    (
        554,
        "5.7.1 Service unavailable; client [192.0.2.7] blocked using Spamhaus; https://www.spamhaus.org/query/ip/192.0.2.7",
    ),
    (550, "5.7.606 Access denied, banned sending IP [192.0.2.7]"),
    (550, "5.7.1 Service unavailable, Client host [192.0.2.7] blocked using Customer Block list (AS16012609)"),
    (550, "5.7.511 Access denied, banned sender[192.0.2.7]. To request removal from this list please forward"),
    (
        550,
        "5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent. Part of their network is on our list (S3150)",
    ),
    (554, "mx.example Your IP address 192.0.2.7 is listed in our DNSBL"),
    (554, "Your access to this mail system has been rejected due to the sending MTA's poor reputation"),
    (421, "4.7.0 [192.0.2.7] Our system has detected that this server has a low reputation"),
    (421, "4.7.0 connection from 192.0.2.7 refused: IP is on the RBL bl.example"),
    (550, "Rejected because 192.0.2.7 is in a black list at b.barracudacentral.org"),
    (550, "JunkMail rejected - mx.example [192.0.2.7]:40022 is in an RBL: see http://www.spamcop.net/"),
    (554, "5.7.1 <unknown[192.0.2.7]>: Client host rejected: Access denied"),
    (554, "Blocked: your IP address has a bad reputation"),
    (550, "5.7.1 Mail from your address blocked; your network is not welcome, host 192.0.2.7 is blocked"),
    (521, "5.7.1 192.0.2.7 is listed by uceprotect"),
]

OTHERS = [
    (421, "4.7.0 Too many connections"),
    (421, "4.3.2 come back later"),
    (421, "Service not available, closing transmission channel"),
    (450, "4.2.0 <unknown[192.0.2.7]>: Client host rejected: Greylisted, see http://postgrey.example/help"),
    (450, "4.7.25 Client host rejected: cannot find your hostname, [192.0.2.7]"),
    (451, "4.7.1 Please try again later"),
    (454, "4.7.0 TLS not available"),
    (502, "5.5.1 EHLO not implemented"),
    (554, "5.7.1 no"),
    (554, "No SMTP service here"),
    (220, "mx.example ESMTP: use of this server is refused to spamhaus.org listed hosts"),
]


@pytest.mark.parametrize(("code", "text"), BANS)
def test_bans(code: int, text: str) -> None:
    assert rebuffs.bans_us(code, text)


@pytest.mark.parametrize(("code", "text"), OTHERS)
def test_others(code: int, text: str) -> None:
    assert not rebuffs.bans_us(code, text)


def test_no_code_no_ban() -> None:
    assert not rebuffs.bans_us(None, "blacklist")


@pytest.mark.parametrize("phase", [Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.EHLO_TLS])
def test_a_ban_has_its_own_reason(phase: Phase) -> None:
    reason = reason_of(Failure(phase, FailureKind.REJECTED, *BANS[0]))
    assert reason is Reason.OUR_ADDRESS_BANNED
    assert reason.tlsrpt is None


@pytest.mark.parametrize(
    ("phase", "code", "text", "slow"),
    [
        ("greeting", 421, "4.7.0 Too many connections", True),
        ("ehlo", 421, "", True),
        ("starttls", 421, "", True),
        ("greeting", 554, "No SMTP service here", True),
        ("greeting", 550, "go away", True),
        ("greeting", 450, "4.7.1 greylisted", False),
        ("ehlo", 550, "5.7.1 Access denied", True),
        ("ehlo", 554, "5.5.1 Error", False),
        ("ehlo", 502, "5.5.1 EHLO not implemented", False),
        ("ehlo", 451, "192.0.2.7 is on our block list", True),
        ("starttls", 454, "4.7.0 TLS not available", False),
    ],
)
def test_what_makes_us_slow_down(phase: str, code: int, text: str, *, slow: bool) -> None:
    assert rebuffs.turns_away(Failure(Phase(phase), FailureKind.REJECTED, code, text)) is slow


def test_only_a_reply_turns_away() -> None:
    assert not rebuffs.turns_away(Failure(Phase.EHLO, FailureKind.CLOSED, 421))


@pytest.mark.parametrize(
    ("reply", "known", "reason"),
    [
        (b"550 5.7.606 Access denied, banned sending IP [192.0.2.7]", StartTLS.UNKNOWN, "our-address-banned"),
        (b"554 5.7.1 Access denied", StartTLS.UNKNOWN, "ehlo-policy"),
        (b"421 4.7.0 Too many connections", StartTLS.UNKNOWN, "ehlo-4xx"),
        (b"502 5.5.1 EHLO not implemented", StartTLS.NOT_OFFERED, "ehlo-rejected"),
    ],
)
def test_who_turns_us_away_at_ehlo_says_nothing_of_starttls(reply: bytes, known: StartTLS, reason: str) -> None:
    dialogue = Dialogue("me.example")
    dialogue.receive(b"220 mx.example\r\n")
    dialogue.receive(reply + b"\r\n")
    assert dialogue.failure is not None
    assert (dialogue.starttls, reason_of(dialogue.failure)) == (known, reason)


def test_who_turns_us_away_at_starttls_has_not_refused_tls() -> None:
    dialogue = Dialogue("me.example")
    dialogue.receive(b"220 mx.example\r\n")
    dialogue.receive(b"250-mx.example\r\n250 STARTTLS\r\n")
    dialogue.receive(b"554 5.7.1 192.0.2.7 is on our block list\r\n")
    assert dialogue.starttls is StartTLS.OFFERED

"""Lab domains about reaching a server and talking SMTP to it. All are signed; most publish a matching TLSA record.

With TLSA records, a server without authenticated TLS gets no mail; without them, mail is sent in the clear. Cases about
the dialogue alone have TLSA records, because then "could not be determined" (`unknown`) and "no" (`no_tls`) differ.
"""

from scanner.reasons import Reason
from scanner.vocabulary import DomainDane, DomainOutcome, DomainStartTLS, Sender
from tests.lab.expectations import broken, cleartext, inconclusive, protected
from tests.lab.model import Expect, Host, Scenario

VERIFIED, UNTRUSTED, NO_SESSION = ("Verified",), ("Untrusted",), ("",)
EE = ("3 1 1 leaf",)
NONE = DomainStartTLS.NONE
INJECTED = "220 2.0.0 Ready\r\n250 injected in clear text"


def talk(
    name: str,
    expect: Expect,
    why: str,
    *,
    tlsa: tuple[str, ...] = EE,
    finger: tuple[str, ...] = NO_SESSION,
    **smtp: object,
) -> Scenario:
    """Return a domain with one host and one address, so that a slow host costs its time once."""
    return Scenario(f"{name}.test", why, expect, (Host(f"mx.{name}.test", tlsa, smtp=smtp, v6=()),), finger)


SEVERAL = (
    Scenario(
        "postfix.test",
        "a real Postfix with a 3 1 1 record",
        protected(),
        (Host("mx.postfix.test", (*EE, "3 1 1 second"), postfix=True, second="rsa"),),
        VERIFIED,
    ),
    Scenario("v6-only.test", "IPv6 only", protected(), (Host("mx.v6-only.test", EE, v4=()),), VERIFIED),
    Scenario("v4-only.test", "IPv4 only", protected(), (Host("mx.v4-only.test", EE, v6=()),), VERIFIED),
    Scenario(
        "v6-refused.test",
        "IPv4 works, IPv6 is refused: what was not reached is not judged",
        protected(Reason.CONNECTION_REFUSED, Reason.SOME_ADDRESSES_UNREACHABLE),
        (Host("mx.v6-refused.test", EE, v6=("refused",)),),
        VERIFIED,
    ),
    Scenario(
        "one-busy.test",
        "421 on one address of two: a 4xx greeting is about the moment, not about the host",
        protected(Reason.GREETING_4XX),
        (Host("mx.one-busy.test", EE, v4=("serve", "busy"), v6=()),),
        ("Verified", ""),
    ),
    Scenario(
        "mismatch-first.test",
        "the preferred host's certificate does not match, the other one's does: broken, yet mail gets through",
        Expect(
            DomainOutcome.OK,
            Sender.VERIFIED,
            DomainDane.BROKEN,
            DomainStartTLS.ALL,
            (Reason.TLSA_MISMATCH, Reason.DELIVERED_BY_LESSER_MX),
        ),
        (Host("mx1.mismatch-first.test", ("3 1 1 wrong",)), Host("mx2.mismatch-first.test", EE)),
        UNTRUSTED,
    ),
    Scenario(
        "mismatch-second.test",
        "the same, but mail never comes to the bad host",
        Expect(DomainOutcome.OK, Sender.VERIFIED, DomainDane.BROKEN, DomainStartTLS.ALL, (Reason.TLSA_MISMATCH,)),
        (Host("mx1.mismatch-second.test", EE), Host("mx2.mismatch-second.test", ("3 1 1 wrong",))),
        VERIFIED,
    ),
    Scenario(
        "dead-first.test",
        "the preferred host is down but has TLSA records: it has no vote",
        protected(Reason.HOST_UNREACHABLE, Reason.CONNECT_TIMEOUT),
        (Host("mx1.dead-first.test", EE, v4=("blackhole",), v6=()), Host("mx2.dead-first.test", EE)),
        VERIFIED,
    ),
    Scenario(
        "dead-plain.test",
        "a host that is down and has no TLSA record: once it is up again nothing protects it, so it counts as none",
        Expect(
            DomainOutcome.OK,
            Sender.VERIFIED,
            DomainDane.PARTIAL,
            DomainStartTLS.ALL,
            (Reason.HOST_UNREACHABLE, Reason.TLSA_NONE),
        ),
        (Host("mx1.dead-plain.test", v4=("refused",), v6=("refused",)), Host("mx2.dead-plain.test", EE)),
        VERIFIED,
    ),
    Scenario(
        "partial-plain.test",
        "one host with DANE, one without",
        Expect(DomainOutcome.OK, Sender.VERIFIED, DomainDane.PARTIAL, DomainStartTLS.ALL, (Reason.TLSA_NONE,)),
        (Host("mx1.partial-plain.test", EE), Host("mx2.partial-plain.test")),
        VERIFIED,
    ),
    Scenario(
        "starttls-some.test",
        "no TLSA; one host with STARTTLS, one without",
        Expect(
            DomainOutcome.OK,
            Sender.ENCRYPTED,
            DomainDane.NONE,
            DomainStartTLS.SOME,
            (Reason.STARTTLS_NOT_OFFERED,),
        ),
        (Host("mx1.starttls-some.test"), Host("mx2.starttls-some.test", smtp={"starttls": ""})),
        UNTRUSTED,
    ),
    Scenario(
        "all-refused.test",
        "no address accepts a connection",
        inconclusive(Reason.CONNECTION_REFUSED),
        (Host("mx.all-refused.test", EE, v4=("refused",), v6=("refused",)),),
    ),
    Scenario(
        "all-time-out.test",
        "no address answers at all",
        inconclusive(Reason.CONNECT_TIMEOUT),
        (Host("mx.all-time-out.test", EE, v4=("blackhole",), v6=("blackhole",)),),
    ),
)

STARTTLS = (
    talk(
        "no-starttls",
        broken(Reason.STARTTLS_NOT_OFFERED, starttls=NONE),
        "TLSA records promise TLS (RFC 7672 section 2.2) and STARTTLS is not offered",
        starttls="",
    ),
    talk("no-starttls-plain", cleartext(Reason.STARTTLS_NOT_OFFERED), "nothing promised", tlsa=(), starttls=""),
    talk(
        "starttls-454",
        broken(Reason.STARTTLS_REFUSED, starttls=NONE),
        "STARTTLS is offered and refused (RFC 3207 section 4)",
        starttls="454 4.7.0 TLS not available",
    ),
    talk(
        "starttls-454-plain",
        cleartext(Reason.STARTTLS_REFUSED),
        "the same without TLSA: Postfix goes on in clear text",
        tlsa=(),
        starttls="454 4.7.0 TLS not available",
    ),
    talk(
        "starttls-injected",
        protected(),
        "clear text after the STARTTLS reply is thrown away and remembered as a defect (CVE-2011-0411)",
        finger=VERIFIED,
        starttls=INJECTED,
    ),
)

GREETINGS = (
    talk("greeting-slow", protected(), "the greeting takes two seconds", finger=VERIFIED, greeting_delay=2.0),
    talk("greeting-none", inconclusive(Reason.GREETING_TIMEOUT), "accepts and says nothing", fault="silent@connect"),
    talk("greeting-drip", inconclusive(Reason.GREETING_TIMEOUT), "an octet a second for ever", fault="drip@greeting"),
    talk("greeting-garbage", inconclusive(Reason.GARBLED_REPLY), "no SMTP server", fault="garbage@greeting"),
    talk(
        "greeting-endless",
        inconclusive(Reason.REPLY_TOO_LONG),
        "a line without end (RFC 5321 section 4.5.3.1.5 allows 512 octets)",
        fault="endless-line@greeting",
    ),
    talk(
        "greeting-421", inconclusive(Reason.GREETING_4XX), "turned away for now", greeting="421 4.3.2 come back later"
    ),
    talk("greeting-554", inconclusive(Reason.GREETING_5XX), "turned away; it may be about us", greeting="554 5.7.1 no"),
    talk(
        "greeting-banned",
        inconclusive(Reason.OUR_ADDRESS_BANNED),
        "our address is on a list: that says nothing about the domain",
        greeting="554 5.7.1 Service unavailable; client [10.0.0.1] blocked using a block list",
    ),
)

EHLO = (
    talk(
        "ehlo-502",
        broken(Reason.EHLO_REJECTED, starttls=NONE),
        "EHLO refused for good: a server without extensions has no STARTTLS (RFC 5321 section 4.1.4)",
        ehlo="502 5.5.1 EHLO not implemented",
    ),
    talk(
        "ehlo-502-plain",
        cleartext(Reason.EHLO_REJECTED),
        "the same without TLSA: HELO and clear text",
        tlsa=(),
        ehlo="502 5.5.1 EHLO not implemented",
    ),
    talk(
        "ehlo-policy",
        inconclusive(Reason.EHLO_POLICY),
        "EHLO refused by policy (status X.7.x, RFC 3463): about us, so STARTTLS is not known",
        ehlo="550 5.7.1 you are not welcome here",
    ),
    talk("ehlo-451", inconclusive(Reason.EHLO_4XX), "EHLO refused for now", ehlo="451 4.3.0 not now"),
    talk("ehlo-none", inconclusive(Reason.COMMAND_TIMEOUT), "no answer to EHLO", fault="silent@ehlo"),
    talk("ehlo-endless", inconclusive(Reason.REPLY_TOO_LONG), "a reply without end", fault="endless-reply@ehlo"),
)

LOST = (
    talk("reset-connect", inconclusive(Reason.CONNECTION_RESET), "RST after accept", fault="reset@connect"),
    talk("reset-greeting", inconclusive(Reason.CONNECTION_RESET), "RST in the greeting", fault="reset@greeting"),
    talk("reset-ehlo", inconclusive(Reason.CONNECTION_RESET), "RST after EHLO", fault="reset@ehlo"),
    talk(
        "reset-starttls",
        inconclusive(Reason.CONNECTION_RESET),
        "RST after STARTTLS: offered, neither granted nor refused",
        fault="reset@starttls",
    ),
    talk("close-connect", inconclusive(Reason.LOST_CONNECTION), "end of stream after accept", fault="close@connect"),
    talk(
        "close-starttls", inconclusive(Reason.LOST_CONNECTION), "end of stream after STARTTLS", fault="close@starttls"
    ),
    talk(
        "reset-handshake",
        broken(Reason.TLS_HANDSHAKE_FAILED, starttls=NONE),
        "RST after the ClientHello, with either profile: a failed handshake",
        fault="reset@handshake",
    ),
    talk(
        "close-handshake",
        broken(Reason.TLS_HANDSHAKE_FAILED, starttls=NONE),
        "end of stream after the ClientHello",
        fault="close@handshake",
    ),
)

CASES = (*SEVERAL, *STARTTLS, *GREETINGS, *EHLO, *LOST)

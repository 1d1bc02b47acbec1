"""Lab domains about MTA-STS (RFC 8461), one for each mistake that published implementations or operators have made.

Each domain has a policy host at an address of its own, served by ``httpsd``. They are scanned with ``--sts`` by
``test_sts.py``, and are not part of the table in ``scenarios.py``.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.lab.expectations import broken, insecure, protected, unprotected
from tests.lab.model import Expect, Host, Scenario, Zone

MX = "mx.sts.test"
EE = ("3 1 1 leaf",)
RECORD = '"v=STSv1; id=20260901"'
NETWORK = "10.254.0."
"""The addresses of the policy hosts, below those of all mail hosts."""


@dataclass(frozen=True, slots=True)
class PolicyHost:
    """The policy host of a domain: certificate recipe, octets of the response.

    ``cert_name`` is the name in the certificate, by default that of the policy host. Without ``listening`` nothing
    answers at its address.
    """

    response: bytes
    cert: str = "good"
    cert_name: str = ""
    listening: bool = True


@dataclass(frozen=True, slots=True)
class STSCase:
    """A domain: its mail hosts and policy host, and ``sts sender_sts sender_both mechanism`` with reasons expected."""

    name: str
    why: str
    expect: str
    reasons: str
    policy: PolicyHost
    txt: tuple[str, ...] = (RECORD,)
    mx: tuple[str, ...] = (MX,)
    hosts: tuple[Host, ...] = ()
    dane: Expect = field(default_factory=unprotected)
    zone: Zone = "nsec"
    fails: str = ""
    records: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """The domain."""
        return f"sts-{self.name}.test"

    def scenario(self, address: str) -> Scenario:
        """Return the DNS and the mail hosts of the domain, with its policy host at ``address``."""
        host = f"mta-sts.{self.domain}."
        records = [f"_mta-sts.{self.domain}. TXT {text}" for text in self.txt]
        records += self.records or (f"{host} A {address}",)
        return Scenario(
            self.domain,
            self.why,
            self.dane,
            self.hosts,
            mx=tuple(f"{10 * n} {name}." for n, name in enumerate(self.mx, 1)),
            zones={self.domain: self.zone},
            records=tuple(line.replace("{address}", address) for line in records),
            rcodes={(f"_mta-sts.{self.domain}", "TXT"): self.fails} if self.fails else {},
        )


def policy(*mx: str, mode: str = "enforce", end: str = "\r\n", more: str = "") -> bytes:
    """Return the text of a policy; ``more`` is a line before the others."""
    patterns = [f"mx: {pattern}" for pattern in mx]
    lines = [*([more] if more else []), "version: STSv1", f"mode: {mode}", *patterns, "max_age: 604800"]
    return "".join(line + end for line in lines).encode()


def http(body: bytes, status: str = "200 OK", headers: str = "Content-Type: text/plain") -> bytes:
    """Return a response."""
    return f"HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def serves(body: bytes = b"", **how: Any) -> PolicyHost:
    """Return a policy host with a response of status 200."""
    return PolicyHost(http(body or policy(MX)), **how)


GOOD = serves()
PROTECTED, NO_POLICY = "protected verified verified sts", "encrypted encrypted opportunistic"
INVALID, UNKNOWN = f"invalid {NO_POLICY}", "lookup_failed unknown unknown unknown"
BROKEN = "broken defer defer broken"


def own(name: str, cert: str = "good", *tlsa: str, smtp: dict[str, object] | None = None) -> dict[str, Any]:
    """Return the members of a case with a mail host of its own."""
    host = f"mx.sts-{name}.test"
    return {"mx": (host,), "hosts": (Host(host, tlsa, cert, smtp or {}),)}


def case(name: str, why: str, expect: str, reasons: str = "", policy: PolicyHost = GOOD, **more: Any) -> STSCase:
    """Return a case."""
    return STSCase(name, why, expect, reasons, policy, **more)


CASES: tuple[STSCase, ...] = (
    case("enforce", "a policy that holds", PROTECTED),
    case("testing", "mode testing", f"testing {NO_POLICY}", "", serves(policy(MX, mode="testing"))),
    case("off", "mode none needs no mx", f"off {NO_POLICY}", "", serves(policy(mode="none"))),
    case("wildcard", "a wildcard covers one label", PROTECTED, "", serves(policy("*.sts.test"))),
    case("two-labels", "and not two (mrisher/smtp-sts#184)", BROKEN, "sts-mx-mismatch", serves(policy("*.test"))),
    case("unlisted", "the MX host is not listed", BROKEN, "sts-mx-mismatch", serves(policy("mx.other.test"))),
    case("address", "an address never matches (tlspol#70)", BROKEN, "sts-mx-mismatch", serves(policy("10.0.0.2"))),
    case("absent", "no record, although a policy host", f"none {NO_POLICY}", txt=()),
    case("other-txt", "another TXT record only", f"none {NO_POLICY}", txt=('"v=spf1 -all"',)),
    case(
        "two-records",
        "two records (hardenize-public#41)",
        INVALID,
        "sts-record-multiple",
        txt=(RECORD, '"v=STSv1; id=2"'),
    ),
    case("space", "a space before the semicolon (aykevl/mta-sts#19)", PROTECTED, txt=('"v=STSv1 ; id=1"',)),
    case("strings", "two character-strings", PROTECTED, txt=('"v=STSv1; i" "d=1"',)),
    case(
        "id", "an id of another form (mailinabox#1779)", INVALID, "sts-record-invalid", txt=('"v=STSv1; id=2026-09"',)
    ),
    case("servfail", "the record's lookup fails (tlspol#4, #82)", UNKNOWN, "sts-lookup-failed", fails="SERVFAIL"),
    case("lf", "LF line ends (mailinabox#1861)", PROTECTED, "", serves(policy(MX, end="\n"))),
    case("keys", "unknown keys (tlspol#95)", PROTECTED, "", serves(policy(MX, more="colour: blue"))),
    case("no-mx", "enforce without mx (tlspol#95)", INVALID, "sts-policy-invalid", serves(policy())),
    case(
        "max-age",
        "a max_age above the maximum (smtp-sts#207)",
        PROTECTED,
        "",
        serves(policy(MX).replace(b"604800", b"9999999999")),
    ),
    case(
        "second",
        "only the first of two MX hosts is listed",
        "broken verified verified broken",
        "sts-mx-mismatch",
        mx=(MX, "mx.sts-second.test"),
        hosts=(Host("mx.sts-second.test"),),
    ),
    case("html", "a web page", INVALID, "sts-policy-invalid", serves(b"<!DOCTYPE html>\n")),
    case(
        "media-type",
        "another media type (starttls-backend#191)",
        PROTECTED,
        "sts-media-type",
        PolicyHost(http(policy(MX), headers="Content-Type: text/html")),
    ),
    case(
        "charset",
        "parameters of the media type",
        PROTECTED,
        "",
        PolicyHost(http(policy(MX), headers="Content-Type: text/plain; charset=utf-8")),
    ),
    case(
        "redirect",
        "redirects are not followed (smtp-sts#61)",
        INVALID,
        "sts-fetch-redirect",
        PolicyHost(http(b"", "301 Moved Permanently", "Location: https://mta-sts.sts-enforce.test/")),
    ),
    case("missing", "404", INVALID, "sts-fetch-status", PolicyHost(http(b"gone", "404 Not Found"))),
    case("busy", "503", UNKNOWN, "sts-fetch-status", PolicyHost(http(b"later", "503 Service Unavailable"))),
    case("huge", "a body without end", INVALID, "sts-fetch-too-long", serves(b"x" * 1_000_000)),
    case(
        "headers",
        "a header without end",
        INVALID,
        "sts-fetch-too-long",
        PolicyHost(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 99_999),
    ),
    case(
        "many-mx",
        "10,000 patterns beyond the limit",
        INVALID,
        "sts-fetch-too-long",
        serves(policy(*(f"m{n}.test" for n in range(10_000)))),
    ),
    case("cut", "the body is cut off", UNKNOWN, "sts-fetch-failed", PolicyHost(http(policy(MX))[:-1])),
    case("refused", "nothing listens", UNKNOWN, "sts-fetch-failed", serves(listening=False)),
    case("other-name", "a certificate for another name", INVALID, "sts-certificate-invalid", serves(cert="wrong-name")),
    case(
        "domain-name",
        "a certificate for the domain only",
        INVALID,
        "sts-certificate-invalid",
        serves(cert="domain-name"),
    ),
    case("self-signed", "a self-signed certificate", INVALID, "sts-certificate-invalid", serves(cert="self-signed")),
    case("expired", "an expired certificate", INVALID, "sts-certificate-invalid", serves(cert="expired")),
    case(
        "cname",
        "an alias, with the right certificate (smtp-sts#164)",
        PROTECTED,
        records=("mta-sts.sts-cname.test. CNAME web.sts-cname.test.", "web.sts-cname.test. A {address}"),
    ),
    case(
        "cname-name",
        "an alias, with the certificate of its target",
        INVALID,
        "sts-certificate-invalid",
        serves(cert_name="web.sts-cname-name.test"),
        records=("mta-sts.sts-cname-name.test. CNAME web.sts-cname-name.test.", "web.sts-cname-name.test. A {address}"),
    ),
    case(
        "no-host",
        "a record without policy host (mailstrom#213)",
        INVALID,
        "sts-fetch-failed",
        records=("unused.sts-no-host.test. A 10.0.0.9",),
    ),
    case(
        "both",
        "DANE and a policy",
        "protected verified verified both",
        dane=protected(),
        **own("both", "good", *EE),
        policy=serves(policy("mx.sts-both.test")),
    ),
    case(
        "dane-fails",
        "a policy never overrides DANE that fails (postfix-mta-sts-resolver#67, smtp-sts#97)",
        "protected verified defer broken",
        "sts-dane-disagree",
        dane=broken(),
        **own("dane-fails", "good", "3 1 1 wrong"),
        policy=serves(policy("mx.sts-dane-fails.test")),
    ),
    case(
        "dane-ee",
        "DANE holds with a self-signed certificate, the policy does not",
        "broken defer verified dane",
        "sts-host-untrusted sts-dane-disagree",
        dane=protected(),
        **own("dane-ee", "self-signed", *EE),
        policy=serves(policy("mx.sts-dane-ee.test")),
    ),
    case(
        "unsigned",
        "TLSA behind unsigned MX records is not DANE (tlspol#8)",
        PROTECTED,
        dane=insecure(),
        zone="unsigned",
        mx=("mx.sts-both.test",),
        policy=serves(policy("mx.sts-both.test")),
    ),
    case(
        "one-dane",
        "DANE on one of two MX hosts (tlspol#7)",
        PROTECTED,
        policy=serves(policy(MX, "mx.sts-both.test")),
        mx=("mx.sts-both.test", MX),
    ),
    case(
        "no-tls",
        "no STARTTLS",
        BROKEN,
        "sts-host-no-tls",
        **own("no-tls", smtp={"starttls": ""}),
        policy=serves(policy("mx.sts-no-tls.test")),
    ),
    case(
        "cn",
        "the name only as common name",
        BROKEN,
        "sts-host-name-mismatch",
        **own("cn", "cn-only"),
        policy=serves(policy("mx.sts-cn.test")),
    ),
    case(
        "tlsrpt",
        "a TLSRPT record with a syntax error",
        PROTECTED,
        "tlsrpt-record-invalid",
        records=("mta-sts.sts-tlsrpt.test. A {address}", '_smtp._tls.sts-tlsrpt.test. TXT "v=TLSRPTv1; rua=a@b"'),
    ),
)
"""The domains and what is expected of each."""

ADDRESSES = {each.domain: f"{NETWORK}{n}" for n, each in enumerate(CASES, 1)}

_SHARED = Scenario("sts.test", "the owner of the shared mail host", unprotected(), (Host(MX),))

SCENARIOS: tuple[Scenario, ...] = (_SHARED, *(each.scenario(ADDRESSES[each.domain]) for each in CASES))
"""The DNS and the mail hosts of the domains."""

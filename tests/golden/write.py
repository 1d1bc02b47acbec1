"""``python -m tests.golden.write``: write the golden lines anew.

Run it after adding a member. Removing a member or changing its type breaks readers of old runs;
``tests/unit/test_golden.py`` then fails.
"""

from dataclasses import replace
from pathlib import Path

from results.store import codec
from scanner.facts import EDE, Alias, Failure, SecondOpinion, TLSARecord
from scanner.model import AlgorithmReport, DomainRecord, HeldBack, HostReport, PathError, RunHeader
from scanner.reasons import TLSRPT, Reason
from scanner.sts import PolicyFetch, STSReport, TLSRPTReport
from scanner.vocabulary import (
    CertAlg,
    Dane,
    DomainSTS,
    FailureKind,
    HostSTS,
    Mechanism,
    Outcome,
    Phase,
    Pkix,
    PostQuantum,
    RunState,
    Security,
    Sender,
    Served,
    Unusable,
)
from tests.unit import records, sts
from tests.unit.records import NOON

HERE = Path(__file__).parent


def golden() -> dict[str, object]:
    """The records, by the name of their file."""
    return {
        "run": _header(),
        "domains": _domain(),
        "hosts": _host(),
        "certs": records.cert(
            curve="prime256v1", path_length=0, ip_names=("192.0.2.1",), odd_names=("dns:a\0b",), parse_error="odd"
        ),
        "rejects": records.reject(),
        "status": records.status(
            total=9,
            eta=1.5,
            shared_ratio=0.5,
            held_back=(HeldBack("example.com", 3, 150.0),),
            outcome={"ok": 1},
            dane={"none": 1},
        ),
    }


def _header() -> RunHeader:
    return records.header(
        state=RunState.COMPLETE,
        finished=NOON,
        preflight={"resolver": {"validates": True}},
        totals={"domains": 1},
        groups=("x25519",),
    )


def _host() -> HostReport:
    second = SecondOpinion("192.0.2.53:53", Outcome.DATA, Security.SECURE, "NOERROR", "", disagrees=True)
    failed = replace(
        records.answer("mx1.example", "AAAA"),
        outcome=Outcome.ERROR,
        ede=(EDE(6, "bogus"),),
        error="SERVFAIL",
        aliases=(Alias("mx1.example", "mx.example", Security.SECURE),),
        second=second,
    )
    lookup = records.report().tlsa
    unusable = TLSARecord(3, 1, 1, "00", Unusable.DIGEST_LENGTH)
    step = records.answer("_25._tcp.mx1.example", "TLSA", "03010100")
    first, down = records.report().endpoints
    errors = (PathError(10, 0, "certificate has expired", "/CN=mx1.example"),)
    assert first.dane is not None
    assert first.pkix is not None
    probe = replace(first.probes[0], defects=("bare-lf",))
    other = AlgorithmReport(CertAlg.RSA, Served.YES, first.probes[0], first.dane, first.pkix)
    wrong = replace(
        first,
        probes=(probe,),
        dane=replace(first.dane, errors=errors),
        pkix=replace(first.pkix, errors=errors),
        algorithms=(other,),
        pq=PostQuantum.SUPPORTED,
        pq_signature=Served.UNKNOWN,
        pq_probe=first.probes[0],
    )
    return records.report(
        aaaa=failed, tlsa=replace(lookup, records=(*lookup.records, unusable), steps=(step,)), endpoints=(wrong, down)
    )


def _domain() -> DomainRecord:
    fine = records.endpoint_verdict(
        pkix=Pkix.UNTRUSTED,
        pkix_error="certificate has expired",
        tlsrpt=(TLSRPT.CERTIFICATE_EXPIRED,),
        algorithms={CertAlg.ECDSA: Dane.OK, CertAlg.RSA: Dane.OK},
    )
    host = records.host_verdict(endpoints=(fine, records.unreached()), text="Connection refused", sts=HostSTS.OK)
    verdict = records.verdict(
        reasons=(Reason.SOME_ADDRESSES_UNREACHABLE,),
        tlsrpt=(TLSRPT.DANE_REQUIRED,),
        text="Connection refused",
        sts=DomainSTS.PROTECTED,
        sender_sts=Sender.VERIFIED,
        sender_both=Sender.VERIFIED,
        mechanism=Mechanism.BOTH,
    )
    route = records.route(reasons=(Reason.MX_INSECURE,))
    return records.domain(hosts=(host,), verdict=verdict, route=route, sts=_sts(), tlsrpt=_tlsrpt())


def _sts() -> STSReport:
    handshake = records.probe().handshake
    refused = PolicyFetch("192.0.2.7", NOON, {}, reason=Reason.ADDRESS_NOT_PUBLIC)
    failed = PolicyFetch(
        "192.0.2.8", NOON, {"connect": 1.5}, failure=Failure(Phase.HTTP, FailureKind.TIMEOUT, 110, "x")
    )
    fetch = replace(sts.FETCH, handshake=handshake, pkix_error="odd", octets=99, ms={"http": 2.5})
    found = sts.report(sts.policy("*.example", "192.0.2.1"))
    return replace(found, fetches=(refused, failed, fetch), record_error="odd", policy_error="odd")


def _tlsrpt() -> TLSRPTReport:
    return sts.tlsrpt('"v=TLSRPTv1; rua=mailto:a@example, x"')


def main() -> None:
    """Write a file for each."""
    for name, record in golden().items():
        (HERE / f"{name}.jsonl").write_bytes(codec.encode(record))


if __name__ == "__main__":
    main()

"""Post-quantum key exchange by provider."""

from dataclasses import replace
from pathlib import Path

from results.count.post_quantum import PostQuantumProvider
from scanner.model import EndpointReport, HostReport
from scanner.vocabulary import PostQuantum, Served
from tests.unit import records
from tests.unit.results.count.runs import summary


def host(name: str, pq: PostQuantum, *, group: str, retried: bool = False) -> HostReport:
    probe = records.probe(handshake=records.handshake(group=group, retried=retried))
    end = EndpointReport("192.0.2.1", (probe,), pq=pq, pq_signature=Served.YES if retried else Served.UNKNOWN)
    return records.report(key=f"{name}:25:smtp", host=name, endpoints=(end,))


def test_hosts_are_counted_by_provider(tmp_path: Path) -> None:
    reports = [
        host("mx1.one.example", PostQuantum.PREFERRED, group="X25519MLKEM768"),
        host("mx2.one.example", PostQuantum.PREFERRED, group="SecP256r1MLKEM768", retried=True),
        host("mx3.one.example", PostQuantum.SUPPORTED, group="x25519"),
        host("mx.two.example", PostQuantum.NO, group="secp384r1", retried=True),
        records.report(key="mx.three.example:25:smtp", host="mx.three.example", endpoints=()),
    ]
    verdicts = tuple(replace(records.host_verdict(host=each.host), report=each.key) for each in reports)
    found = summary(tmp_path, [records.domain(hosts=verdicts)], reports)
    assert found.post_quantum == (
        PostQuantumProvider("one.example", tls=3, post_quantum=2, supported=1, second_hello=1),
        PostQuantumProvider("two.example", tls=1, post_quantum=0, supported=0, second_hello=1),
    )
    rows = found.tables["post_quantum"].rows
    assert {word: count.hosts for word, count in rows.items()} == {
        "yes": 2,
        "no": 2,
        "supported": 1,
        "not supported": 1,
        "second hello": 2,
        "signature": 2,
    }

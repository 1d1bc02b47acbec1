"""Servers with a certificate for each key algorithm: verdicts, connections, fixes; other TLS libraries as servers."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from OpenSSL import SSL

from scanner.core.algorithms import algorithm_of, served
from scanner.core.dialogue import Dialogue
from scanner.facts import Endpoint, Probe
from scanner.net.failures import failure_of
from scanner.net.probe import record
from scanner.net.tls import TLSStream, context_for
from scanner.run.ports import now
from scanner.settings import OF_ALGORITHM
from scanner.vocabulary import CertAlg, Mode, Phase
from tests.lab.pki import PKI
from tests.lab.use import Lab
from tests.sweep import MXSWEEP, Scan, trusting
from tests.unit.gnutls_server import gnutls_serv, serving

pytestmark = pytest.mark.lab


def verdicts(scan: Scan, domain: str) -> dict[str, str]:
    """Return the verdict of each algorithm at the address of a domain with one address."""
    ((end,),) = (host["endpoints"] for host in scan.domains()[domain]["hosts"])
    found: dict[str, str] = end["algorithms"]
    return found


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("dual.test", "ecdsa=ok rsa=ok"),
        ("dual-tls12.test", "ecdsa=ok rsa=ok"),
        ("dual-rsa-first.test", "rsa=ok ecdsa=ok"),
        ("dual-issuer.test", "ecdsa=ok rsa=ok"),
        ("dual-no-rsa.test", "ecdsa=ok rsa=mismatch"),
        ("dual-no-rsa-tls12.test", "ecdsa=ok rsa=mismatch"),
        ("dual-no-ecdsa.test", "ecdsa=mismatch rsa=ok"),
        ("dual-no-ecdsa-tls12.test", "rsa=ok ecdsa=mismatch"),
        ("dual-plain.test", ""),
        ("v4-only.test", "ecdsa=ok"),  # ECDSA only
    ],
)
def test_each_certificate_has_a_verdict(scan: Scan, domain: str, expected: str) -> None:
    assert " ".join(f"{alg}={dane}" for alg, dane in verdicts(scan, domain).items()) == expected


@pytest.mark.parametrize(("host", "alg"), [("mx.ee-rsa.test", "ecdsa"), ("mx.v4-only.test", "rsa")])
def test_a_server_with_one_certificate_answers_with_an_alert(scan: Scan, host: str, alg: str) -> None:
    report = next(line for line in scan.hosts().values() if line["host"] == host)
    others = [other for end in report["endpoints"] for other in end["algorithms"]]
    assert {(other["alg"], other["served"]) for other in others} == {(alg, "no")}


def test_postfix_has_both(scan: Scan) -> None:
    (host,) = scan.domains()["postfix.test"]["hosts"]
    assert {json.dumps(end["algorithms"]) for end in host["endpoints"]} == {'{"ecdsa": "ok", "rsa": "ok"}'}


def test_only_hosts_with_tlsa_get_one_more_connection(scan: Scan) -> None:
    """Compare the server's log with the records, for addresses where nothing failed or mismatched."""
    visits = Counter((visit["host"], visit["address"]) for visit in scan.visits())
    seen = {True: 0, False: 0}
    for report in scan.hosts().values():
        usable = report["tlsa"]["dane"] is None
        for end in report["endpoints"]:
            place = (report["host"], end["address"])
            if len(end["probes"]) == 1 and end["probes"][0]["failure"] is None and place in visits:
                has_tls = usable and end["probes"][0]["handshake"] is not None
                asked_for = [other["alg"] for other in end["algorithms"]]
                assert visits[place] == 1 + len(asked_for), place
                neither = any(part in report["host"] for part in ("ed25519", "mldsa"))
                assert len(asked_for) == (0 if not has_tls else 2 if neither else 1), place
                seen[has_tls] += 1
    assert min(seen.values()) > 10


def test_the_report_and_explain_name_the_algorithm_and_both_records(lab: Lab, scan: Scan) -> None:
    report = json.loads(lab.run(*MXSWEEP, "report", str(scan.run), "--format", "json", "--top", "1000").stdout)
    (task,) = (task for task in report["tasks"] if task["host"] == "mx.dual-no-rsa.test")
    assert "rsa: " in task["explanation"]["sentence"]
    assert len(task["explanation"]["records"]) == 2
    explained = lab.run(*MXSWEEP, "explain", str(scan.run), "dual-no-rsa.test").stdout
    assert "Result for the rsa certificate: DANE does not match (mismatch)." in explained
    assert all(record in explained.replace("\n", "") for record in task["explanation"]["records"])


def test_the_option_turns_it_off(lab: Lab, tmp_path: Path) -> None:
    argv = ("scan", "--domain", "dual-no-rsa.test", "-o", "-", "--quiet", "--cert-algs", "off", *trusting(lab))
    done = lab.run(*MXSWEEP, *argv)
    assert json.loads(done.stdout)["verdict"]["dane"] == "protected", done.stderr


# --- post-quantum key exchange --------------------------------------------------------------------------------

READY = {
    "pq": "preferred X25519MLKEM768 unknown",
    "pq-retry": "preferred SecP256r1MLKEM768 retried unknown",
    "pq-second": "supported x25519 unknown",
    "pq-none": "no x25519 unknown",
    "pq-none-retry": "no secp384r1 retried unknown",
    "pq-mldsa": "preferred X25519MLKEM768 yes",
    "dual-tls12": "tls12 x25519 no",
}


def test_post_quantum_readiness(lab: Lab, tmp_path: Path) -> None:
    run, mark = tmp_path / "run", lab.mark()
    argv = ("scan", "-", "-o", str(run), "--quiet", "--pq", "--cert-algs", "off", "--ehlo", "pq.lab.test")
    done = lab.run(*MXSWEEP, *argv, *trusting(lab), stdin="".join(f"{name}.test\n" for name in READY))
    assert done.returncode == 0, done.stderr
    found, asked = {}, set()
    for report in map(json.loads, (run / "hosts.jsonl").read_text().splitlines()):
        (end,) = report["endpoints"]
        shake, name = end["probes"][0]["handshake"], report["host"].removeprefix("mx.").removesuffix(".test")
        words = [end["pq"], shake["group"], *(["retried"] if shake["retried"] else []), end["pq_signature"]]
        found[name] = " ".join(words)
        asked |= {name} if end["pq_probe"] else set()
    assert found == READY
    assert asked == {"pq-second", "pq-none", "pq-none-retry"}
    visits = Counter(event["host"] for event in lab.events(mark) if event["event"] == "connect")
    hosts = {f"mx.{name}.test" for name in READY}  # other tests connect to other hosts at the same time
    assert {host for host in hosts if visits[host] == 2} == {f"mx.{name}.test" for name in asked}
    assert "X25519MLKEM768" in json.loads((run / "run.json").read_text())["groups"]
    report = json.loads(lab.run(*MXSWEEP, "report", str(run), "--format", "json").stdout)
    (table,) = (table for table in report["listings"] if table["key"] == "post-quantum")
    assert len(table["rows"]) == len(READY)


# --- other TLS libraries --------------------------------------------------------------------------------------

HOST = "mx.lab.test"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """PEM files with a key and its certificate, by key algorithm."""
    place, pki = tmp_path_factory.mktemp("keys"), PKI()
    files = {"ecdsa": place / "ecdsa.pem", "rsa": place / "rsa.pem"}
    for recipe, alg in (("good", "ecdsa"), ("rsa", "rsa")):
        pki.make(recipe, HOST, "lab.test").write(files[alg])
    return files


def gnutls(port: int, files: Sequence[Path], version: str) -> list[str]:
    priority = f"NORMAL:-VERS-ALL:+VERS-TLS{version}"
    given = [option for file in files for option in ("--x509keyfile", str(file), "--x509certfile", str(file))]
    return gnutls_serv(port, priority, *given)


def openssl(port: int, files: Sequence[Path], version: str) -> list[str]:
    flags = (("-cert", "-key"), ("-dcert", "-dkey"))
    given = [part for (c, k), file in zip(flags, files, strict=False) for part in (c, str(file), k, str(file))]
    only = f"-tls{version.replace('.', '_')}"
    return ["openssl", "s_server", "-quiet", "-accept", str(port), only, *given]


SERVERS = {"gnutls": gnutls, "openssl": openssl}


async def asked(port: int, alg: CertAlg) -> Probe:
    """Return the probe of a server with the offer of one key algorithm, from the first octet."""
    endpoint = Endpoint("127.0.0.1", port, None, Mode.SMTPS, alg)
    dialogue = Dialogue("me", lmtp=False, implicit_tls=True, want_tls=True, ehlo_after_tls=True)
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    tls = TLSStream(stream, context_for(OF_ALGORITHM[alg, None]), None)
    try:
        await tls.handshake()
    except (SSL.Error, EOFError, trio.BrokenResourceError) as error:
        failure = failure_of(error, Phase.HANDSHAKE)
        return record(endpoint, now(), dialogue, None, unconnected=failure)
    finally:
        await trio.aclose_forcefully(stream)
    return record(endpoint, now(), dialogue, tls.facts()[0])


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("has", ["rsa ecdsa", "rsa", "ecdsa"])
def test_other_servers(keys: dict[str, Path], name: str, version: str, has: str) -> None:
    files = [keys[alg] for alg in has.split()]
    with serving(lambda port: SERVERS[name](port, files, version)) as port:
        for alg in (CertAlg.RSA, CertAlg.ECDSA):
            probe = trio.run(asked, port, alg)
            assert served(alg, probe) == ("yes" if alg in has.split() else "no"), probe.failure
            if probe.handshake is not None:
                assert (algorithm_of(probe.handshake), probe.handshake.version) == (alg, f"TLSv{version}")

"""A scan on a cluster of machines with TLS, in network namespaces with own addresses, resolvers and file limits.

The machine ``one`` has a validating resolver and the scheduler, ``two`` has none and starts one private unbound for its
two workers. ``three`` has no resolver and no unbound, and is refused by name.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.machines import LabMachine, machines, own_file
from tests.lab.scenarios import SCENARIOS
from tests.lab.use import Lab
from tests.lines import dicts
from tests.sweep import MXSWEEP, trusting

pytestmark = pytest.mark.lab

FILES = 500  # limit of open files of the second machine
EHLO = "cluster.lab.test"
QUICK = [each for each in SCENARIOS if each.hosts and all({*host.v4, *host.v6} == {"serve"} for host in each.hosts)]
DOMAINS = [each.domain for each in QUICK if not any(host.smtp or host.postfix for host in each.hosts)][:16]
DASK = (sys.executable, "-m", "dask")


@dataclass(frozen=True)
class ClusterScan:
    """A scan on the machines: its run, its exit status and messages, and the number of unbounds on ``two``."""

    run: Path
    status: int
    said: str
    with_another_ca: str
    unbounds: int

    def header(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run / "run.json").read_text())
        return found


@pytest.fixture(scope="module")
def on_machines(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterScan]:
    place = tmp_path_factory.mktemp("cluster")
    with machines(lab, "one", "two", "three") as (one, two, three):
        _resolvers(lab, one, two, three)
        tls = _certificates(place)
        scheduler = f"tls://{one.v4}:8786"
        started = [one.popen(*DASK, "scheduler", "--host", one.v4, "--port", "8786", "--no-dashboard", *tls)]
        worker = (*DASK, "worker", scheduler, "--nthreads", "1", "--no-nanny", "--no-dashboard", *tls)
        started += [one.popen(*worker), *(two.popen(*worker, files=FILES) for _ in range(2)), three.popen(*worker)]
        try:
            yield _scan(lab, place, (one, two), started[1:])
        finally:
            for process in started:
                process.kill()
                process.communicate()


def _resolvers(lab: Lab, one: LabMachine, two: LabMachine, three: LabMachine) -> None:
    one.popen("unbound", "-d", "-p", "-c", f"{lab.layout.zones}/unbound.conf")
    own_file(one, Path("/etc/resolv.conf"), "nameserver 127.0.0.1\n")
    for machine in (two, three):
        own_file(machine, Path("/etc/resolv.conf"), "nameserver 127.0.0.9\n")
    three.shell('mount --bind /dev/null "$(command -v unbound)"')


def _certificates(place: Path) -> tuple[str, ...]:
    """Make a certificate authority and a certificate for the machines; return the options of Dask's programs."""
    new = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    signed = ("-CA", f"{place}/ca.pem", "-CAkey", f"{place}/ca.key")
    for name, more in (("ca", ()), ("machine", signed), ("other", ())):
        files = ("-subj", f"/CN={name}", "-keyout", f"{place}/{name}.key", "-out", f"{place}/{name}.pem")
        subprocess.run([*new, *files, *more], check=True, capture_output=True)
    paths = {"ca": f"{place}/ca.pem", "cert": f"{place}/machine.pem", "key": f"{place}/machine.key"}
    text = "".join(f'{name} = "{path}"\n' for name, path in paths.items())
    (place / "security.toml").write_text(text)
    (place / "other.toml").write_text(text.replace("machine.", "other."))
    return "--tls-ca-file", paths["ca"], "--tls-cert", paths["cert"], "--tls-key", paths["key"]


def _wait_for(process: subprocess.Popen[str], text: str) -> None:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if text in line:
            return
    raise RuntimeError("".join(said))


def _scan(
    lab: Lab, place: Path, pair: tuple[LabMachine, LabMachine], workers: list[subprocess.Popen[str]]
) -> ClusterScan:
    one, two = pair
    (place / "list").write_text("\n".join(DOMAINS))
    zones = lab.layout.zones
    own = ("--root-hints", f"{zones}/hints", "--trust-anchor", f"{zones}/anchor")
    argv = (*MXSWEEP, "scan", str(place / "list"), "--quiet", "--ehlo", EHLO, *trusting(lab), *own)
    argv = (*argv, "--dask", f"tls://{one.v4}:8786")
    other = one.popen(*argv, "-o", str(place / "none"), "--dask-security", str(place / "other.toml"))
    for process in workers:
        _wait_for(process, "Registered to")
    said = _ended(one.popen(*argv, "-o", str(place / "run"), "--dask-security", str(place / "security.toml")))
    shown = two.popen("ps", "-C", "unbound", "-o", "netns=").communicate()[0].split()
    own_net = two.popen("ps", "-p", str(two.holder), "-o", "netns=").communicate()[0].strip()
    return ClusterScan(place / "run", said[0], said[1], _ended(other)[1], shown.count(own_net))


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said = process.communicate(timeout=200)[0]
    return process.returncode, said


def test_all_domains_are_judged(on_machines: ClusterScan) -> None:
    assert on_machines.status == 0, on_machines.said
    assert {line["key"] for line in dicts(on_machines.run, "domains")} == set(DOMAINS)
    dane = Counter(line["verdict"]["dane"] for line in dicts(on_machines.run, "domains"))
    assert dane["protected"] > 2


def test_run_json_lists_both_machines(on_machines: ClusterScan) -> None:
    workers = {worker["hostname"]: worker for worker in on_machines.header()["workers"]}
    assert {name: (each["addresses"], each["resolver"]) for name, each in workers.items()} == {
        "one": (["172.16.0.1", "fd01::1"], "127.0.0.1:53"),
        "two": (["172.16.0.2", "fd01::2"], "unbound"),
    }
    assert all(worker["parts"] for worker in workers.values())


def test_each_host_names_its_machine(on_machines: ClusterScan) -> None:
    found = {tuple(each["hostname"] for each in line["vantages"]) for line in dicts(on_machines.run, "hosts")}
    assert {name for names in found for name in names} == {"one", "two"}
    assert all(found)


def test_a_machine_without_a_resolver_is_refused_by_name(on_machines: ClusterScan) -> None:
    assert "worker three: no resolver validates DNSSEC" in on_machines.said
    assert on_machines.said.count("it gets no work") == 1


def test_the_workers_of_a_machine_share_one_unbound(on_machines: ClusterScan) -> None:
    assert on_machines.unbounds == 1


def test_a_client_with_a_certificate_of_another_authority_is_refused(on_machines: ClusterScan) -> None:
    assert "tls://172.16.0.1:8786: no scheduler answers" in on_machines.with_another_ca

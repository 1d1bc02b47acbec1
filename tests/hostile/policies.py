"""Attacks by MTA-STS policy hosts beside good domains: steps of the event loop, memory, verdicts."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.bench.loopback import serving
from tests.bench.model import Row
from tests.hostile.battle import BattlePlan, ScanResult, measured, plan_for
from tests.hostile.meter import LONGEST
from tests.hostile.policy_kinds import UNREAD, certified_names, policy_domains
from tests.unit import pki

GOOD = 100
MEMORY = 50  # MB more than with the good domains alone
PATIENCE = 10.0  # time limit in seconds of a request to a policy host, 60 s in a scan


@contextmanager
def policy_hosts(plan: BattlePlan) -> Iterator[BattlePlan]:
    """Serve the policy hosts of all attacks; yield the plan of a scan that examines them."""
    leaf = replace(pki.LEAF_PLAN, sans=pki.dns(*certified_names())).make()
    key = leaf.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    port = plan.port + 1 if plan.port < 65_535 else plan.port - 1
    with tempfile.TemporaryDirectory(prefix="mxsweep-hostile-") as place:
        chain = Path(place) / "chain.pem"
        chain.write_bytes(key + leaf.pem + pki.INTER.pem)
        argv = [sys.executable, "-m", "tests.hostile.policy_hosts", str(port), str(chain)]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdin is not None
                assert server.stdout is not None
                server.stdin.write("".join(f"{each.address} {each.kind.manner}\n" for each in policy_domains()))
                server.stdin.close()
                if server.stdout.readline() != "listening\n":
                    raise RuntimeError("the policy hosts did not start")
                yield replace(plan, policy_port=port, policy_root=pki.ROOT.pem.decode(), patience=PATIENCE)
            finally:
                server.terminate()


def scanned(good: int) -> tuple[ScanResult, ScanResult]:
    """Return a scan of good domains alone, and one beside all attacks."""
    with serving(good) as server:
        plan = plan_for(server, good)
        with policy_hosts(plan) as beside:
            return measured(plan), measured(beside)


def wrong_verdicts(seen: ScanResult) -> dict[str, str]:
    """Return the attacks whose domains have another verdict than expected; a time-out is possible on a busy machine."""
    wrong = {}
    for each in policy_domains():
        words, possible = set(seen.hostile[each.name].split()), (each.kind.expected, UNREAD)
        if not any(words >= set(expected.split()) for expected in possible):
            wrong[each.kind.name] = seen.hostile[each.name]
    return wrong


def rows() -> list[Row]:
    """Scan the good domains alone, and beside all attacks at once."""
    alone, seen = scanned(GOOD)
    growth, wrong = seen.memory - alone.memory, wrong_verdicts(seen)
    return [
        Row("good domains with other verdicts", *_none([key for key in alone.verdicts if differs(alone, seen, key)])),
        Row("attacks with another verdict than expected", *_none(sorted(wrong))),
        Row("longest step", f"{seen.busiest:.2f} s of processor time", f"at most {LONGEST} s", seen.busiest <= LONGEST),
        Row("processor time", f"{seen.cpu - alone.cpu:.1f} s for {len(policy_domains())} domains"),
        Row("memory", f"{growth:+.0f} MB", f"at most {MEMORY} MB", growth <= MEMORY),
    ]


def differs(alone: ScanResult, seen: ScanResult, domain: str) -> bool:
    """Return whether a good domain has another verdict beside the attacks."""
    return alone.verdicts[domain] != seen.verdicts.get(domain)


def _none(names: list[str]) -> tuple[str, str, bool]:
    return f"{len(names)} {', '.join(names)}".strip(), "0", not names

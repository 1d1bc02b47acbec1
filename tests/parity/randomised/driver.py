"""Runs random pairs in the lab: ``python -m tests.parity.randomised.driver STATE SEED FIRST COUNT > OUTCOMES``.

Both programs ask a scripted resolver, which this process names in a resolv.conf of its own mount namespace.
OUTCOMES has, by the name of the pair, ``line`` and ``attempts``, each with the outcomes ``debian`` and ``mxsweep``. A
pair with a difference is run again, with no other pair at the same time, until it is equal or has ``ATTEMPTS``
attempts. Servers, keys and certificates are the same in each attempt.
"""

import contextlib
import fcntl
import gc
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import trio

from tests.lab.layout import Layout
from tests.parity.cases import BASE, PairCase
from tests.parity.compare import Outcome, compare
from tests.parity.driver import run
from tests.parity.randomised import chains, pairs, servers

ATTEMPTS = 3
"""Maximum number of runs of a pair: the first run and two further runs."""
PROGRAMS = ("debian", "mxsweep")

Attempts = dict[str, list[dict[str, Outcome]]]
"""The outcomes of each attempt by program, by the name of the pair."""


@contextlib.contextmanager
def _serving(made: list[pairs.RandomPair]) -> Iterator[None]:
    """Run the scripted servers in a process of their own."""
    zone = {question: answer for pair in made for question, answer in pair.zone.items()}
    scripts = [server for pair in made for server in pair.servers]
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            trio.run(servers.serve, zone, scripts, writable)
        except BaseException:  # noqa: BLE001 - the process ends here in any case
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writable)
    try:
        if os.read(readable, 1) != b"!":
            raise RuntimeError("the servers did not start")
        yield
    finally:
        os.close(readable)
        os.kill(child, 15)
        os.waitpid(child, 0)


def _attempts(made: list[pairs.RandomPair], work: Path) -> Attempts:
    """Run all pairs at once, then each pair that differs alone."""
    found = {name: [outcomes] for name, outcomes in _run_once(made, work, work).items()}
    for pair in made:
        attempts = found[pair.name]
        while len(attempts) < ATTEMPTS and _differs(pair, attempts[-1]):
            with tempfile.TemporaryDirectory(dir=work) as outputs:
                attempts += _run_once([pair], work, Path(outputs)).values()
    return found


def _run_once(made: list[pairs.RandomPair], work: Path, outputs: Path) -> dict[str, dict[str, Outcome]]:
    """Return the outcomes by name and program; ``outputs`` is the directory of the output files."""
    lines = {
        f"{pair.name}.{program}": [program, *BASE, *(word.replace("{work}", str(work)) for word in pair.line)]
        for pair in made
        for program in PROGRAMS
    }
    done = run(lines, outputs)
    return {pair.name: {program: done[f"{pair.name}.{program}"] for program in PROGRAMS} for pair in made}


def _differs(pair: pairs.RandomPair, outcomes: dict[str, Outcome]) -> bool:
    case = PairCase(pair.name, tuple(pair.line))
    return bool(compare(case, outcomes["debian"], outcomes["mxsweep"]).difference)


def main() -> None:
    """Run the pairs of the command line."""
    layout = Layout(Path(sys.argv[1]))
    seed, first, count = map(int, sys.argv[2:5])
    with (layout.state / "parity.lock").open("w") as lock, tempfile.TemporaryDirectory() as directory:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the servers' addresses are there once
        os.set_inheritable(lock.fileno(), False)  # noqa: FBT003 - the argument has no name
        work = Path(directory)
        work.chmod(0o755)
        subprocess.run(["mount", "--bind", servers.resolv_conf(work), "/etc/resolv.conf"], check=True)
        chains.write_files(work)
        made = [pairs.make(seed, number, work) for number in range(first, first + count)]
        gc.freeze()
        with _serving(made):
            attempts = _attempts(made, work)
        found = {pair.name: {"line": pair.line, "attempts": attempts[pair.name]} for pair in made}
    json.dump(json.loads(json.dumps(found).replace(directory, "{work}")), sys.stdout)


if __name__ == "__main__":
    main()

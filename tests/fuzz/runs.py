"""Run directories from strangers: a run whose files are mutated, and every command that reads one."""

import contextlib
import io
import json
import random
import tarfile
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from results.store.writer import Store
from scanner.cli.commands import main
from scanner.model import AlgorithmReport, HostReport, HostVerdict
from scanner.reasons import Reason
from scanner.vocabulary import CertAlg, Dane, PostQuantum, RunState, Served
from tests.fuzz.documents import change_octets, change_value
from tests.fuzz.fuzzer import Fuzzer, packed, unpacked
from tests.unit import records

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("report", "RUN"),
    ("report", "RUN", "--format", "json"),
    ("report", "RUN", "--format", "markdown"),
    ("report", "RUN", "--format", "csv"),
    ("report", "RUN", "--format", "html"),
    ("report", "RUN", "--paper", "-o", "OUT"),
    ("report", "RUN", "--rejudge"),
    ("report", "RUN", "--metrics", "OUT"),
    ("explain", "RUN", "a.example"),
    ("diff", "RUN", "RUN"),
    ("export", "RUN", "-o", "OUT"),
    ("export", "RUN", "--format", "sqlite", "-o", "OUT"),
)
_FILES = ("run.json", "domains.jsonl", "hosts.jsonl", "certs.jsonl", "rejects.jsonl")


def make_run(place: Path) -> None:
    """Write a whole run."""
    with Store.create(place, records.header()) as store:
        store.put_host(_host(), [records.cert()])
        for key in ("a.example", "b.example"):
            store.put_domain(records.domain(key=key, hosts=(_verdict(),)), [], {})
        store.put_reject("list.csv", 9, "not a domain", "not-a-domain")
        store.finish(RunState.COMPLETE, {}, records.NOON)


def _host() -> HostReport:
    """Return a host whose first address has a second certificate that does not match."""
    report, missed = records.report(), records.evidence(record=None, depth=-1)
    first, *rest = report.endpoints
    other = AlgorithmReport(CertAlg.RSA, Served.YES, first.probes[0], missed, first.pkix)
    first = replace(first, algorithms=(other,), pq=PostQuantum.NO, pq_signature=Served.NO, pq_probe=first.probes[0])
    return replace(report, endpoints=(first, *rest))


def _verdict() -> HostVerdict:
    both = {CertAlg.ECDSA: Dane.OK, CertAlg.RSA: Dane.MISMATCH}
    end = records.endpoint_verdict(dane=Dane.MISMATCH, algorithms=both, reasons=(Reason.OTHER_CERTIFICATE_MISMATCH,))
    return records.host_verdict(dane=Dane.MISMATCH, endpoints=(end,), reasons=(Reason.OTHER_CERTIFICATE_MISMATCH,))


@cache
def _whole() -> dict[str, bytes]:
    """Return the files of a whole run."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        make_run(run)
        return {
            path.relative_to(run).as_posix(): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()
        }


# --- inputs ---------------------------------------------------------------------------------------------------


def make(chance: random.Random) -> bytes:
    """Return the numbers of three commands, and a run with one mutated file as a tar archive."""
    files = dict(_whole())
    name = chance.choice(_FILES)
    change = chance.choice(("value", "value", "value", "value", "octets", "file"))
    if change == "value":
        files[name] = _value(name, files[name], chance)
    elif change == "octets":
        files[name] = change_octets(files[name], chance)
    else:
        del files[name]
    odd = _odd(name, chance) if change == "file" else None
    return packed((bytes(chance.sample(range(len(COMMANDS)), 3)), _archived(files, odd)))


def _value(name: str, content: bytes, chance: random.Random) -> bytes:
    """Change one value anywhere in one record."""
    texts = [content.decode()] if name == "run.json" else content.decode().splitlines()
    at = chance.randrange(len(texts))
    document = json.loads(texts[at])
    change_value(document, chance)
    texts[at] = json.dumps(document, separators=(",", ":"))
    return "".join(f"{text}\n" for text in texts).encode()


def _odd(name: str, chance: random.Random) -> tarfile.TarInfo | None:
    """Return something else in place of a file, or nothing."""
    odd = tarfile.TarInfo(name)
    odd.type = chance.choice((tarfile.REGTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE))
    odd.linkname = "/dev/zero" if odd.type == tarfile.SYMTYPE else ""
    odd.mode = 0o755
    return chance.choice((odd, odd, odd, None))


def _archived(files: dict[str, bytes], odd: tarfile.TarInfo | None) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, octets in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(octets)
            archive.addfile(member, io.BytesIO(octets))
        if odd is not None:
            archive.addfile(odd)
    return content.getvalue()


# --- checks ---------------------------------------------------------------------------------------------------


def check(data: bytes) -> None:
    """Read a run with its commands.

    Raises:
        AssertionError: a command ends other than with a result or one line.
    """
    commands, archived = unpacked(data)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archived)) as archive:
            archive.extractall(Path(folder, "run"), filter="fully_trusted")  # noqa: S202 - our own archive
        for number in commands:
            fault = run_command(COMMANDS[number], Path(folder, "run"), Path(folder, f"out{number}"))
            assert fault is None, f"{' '.join(COMMANDS[number])}: {fault}"


class MemoryStream(io.TextIOWrapper):
    """A standard stream in memory."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="surrogateescape")


def run_command(argv: tuple[str, ...], run: Path, out: Path) -> str | None:
    """Run a command in this process; return what is wrong with its end, None if nothing is."""
    words = [{"RUN": str(run), "OUT": str(out)}.get(word, word) for word in argv]
    err = io.StringIO()
    with contextlib.redirect_stdout(MemoryStream()), contextlib.redirect_stderr(err):
        code = main(words)
    lines = [line for line in err.getvalue().splitlines() if " skipped, the first is line " not in line]
    if code not in (0, 2, 3) or len(lines) != (0 if code == 0 else 1):
        return f"exit code {code}: {err.getvalue()}"
    return None


FUZZER = Fuzzer("runs", make, check, inputs=40, calls=20_000_000)

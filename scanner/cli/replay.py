"""``finger --save FILE`` saves a run of finger; ``mxsweep replay FILE`` repeats the run and compares the printed lines.

A saved run (case) is one indented JSON object (``scanner.finger.saved_case``), which users can read and edit.
"""

import difflib
import re
import ssl
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import trio

from results.render.escape import safe
from results.store.codec import CodecError, decode, pretty
from scanner import __version__
from scanner.cli.errors import CliError, Exit
from scanner.core.pkix import TrustStore
from scanner.core.x509 import facts as certs
from scanner.core.x509.chain import readable
from scanner.finger import log_keywords
from scanner.finger.finger_run import FingerRun
from scanner.finger.log_keywords import LogMask
from scanner.finger.options import Fatal, Options, Usage, parse, utf8_enabled
from scanner.finger.output import Output
from scanner.finger.preparation import Setup
from scanner.finger.recorder import RecordingPorts
from scanner.finger.replay import ReplayPorts
from scanner.finger.saved_case import SCHEMA, SavedCase

_KEY = re.compile("&[0-9A-F]{64}")
_DUMPED = LogMask.DEBUG | LogMask.HANDSHAKE_DUMP | LogMask.SESSION_DUMP


# --- saving a run ---------------------------------------------------------------------------------------------


async def saved_run(setup: Setup, argv: Sequence[str], seed: int, path: str) -> tuple[FingerRun, int]:
    """Run finger and save the run as a case.

    Args:
        setup: the setup of the run; its random generator is seeded with ``seed``.
        argv: the arguments of the command line.
        seed: the seed of the random order of addresses.
        path: the file to write.

    Returns:
        The finished run and its exit status.

    Raises:
        Fatal: the file cannot be written.
    """
    case = SavedCase(
        version=__version__,
        argv=tuple(_unsaved(argv)),
        parameters=dict(setup.options.parameters),
        ehlo=setup.ehlo,
        tls=setup.tls,
        trust=(),
        anchors=setup.anchors,
        digests=setup.digests,
        seed=seed,
        notes=tuple(setup.output.printed),
    )
    recorder = RecordingPorts(setup.ports, case, dumps=bool(setup.mask & _DUMPED))
    session = FingerRun(replace(setup, ports=recorder))
    case.status = await session.run()
    case.lines = tuple(setup.output.printed)
    seen = (der for connection in case.connections for event in connection.events for der in event.chain)
    case.trust = tuple(_relevant(setup.trust, seen)) if setup.trust is not None else ()
    try:
        await trio.Path(path).write_bytes(pretty(case))
    except OSError as error:
        raise Fatal(f"cannot write the case: {path}: {error.strerror}") from None
    return session, case.status


def _unsaved(argv: Sequence[str]) -> list[str]:
    """Return the command line without ``--save FILE``, which a replay does not repeat."""
    kept = [argument for argument in argv if not argument.startswith("--save=")]
    if "--save" in kept:
        at = kept.index("--save")
        del kept[at : at + 2]
    return kept


def _relevant(trust: TrustStore, ders: Iterable[bytes]) -> list[bytes]:
    """Return the trusted certificates that can be in a certificate path from one of the certificates ``ders``.

    A trusted certificate that no certificate path of the run can contain is not saved, because root bundles are large.
    """
    wanted = readable(certs.facts(der) for der in ders)
    found: dict[bytes, None] = {}
    while wanted:
        issuers = trust.issuers(wanted.pop())
        wanted += [issuer for issuer in issuers if issuer.der not in found]
        found |= dict.fromkeys(issuer.der for issuer in issuers)
    return list(found)


# --- replay ---------------------------------------------------------------------------------------------------


def load(path: Path) -> SavedCase:
    """Read a saved run of finger.

    Raises:
        CliError: the file cannot be read, or is not a saved run of this version.
    """
    try:
        case = decode(SavedCase, path.read_bytes())
    except OSError as error:
        raise CliError(f"{path}: cannot be read: {error.strerror}") from None
    except CodecError as error:
        raise CliError(f"{path}: not a file that mxsweep finger --save wrote: {error}") from None
    if case.schema != SCHEMA:
        raise CliError(f"{path}: a case of version {case.schema}; this mxsweep reads version {SCHEMA}")
    return case


def replay(case: SavedCase, output: Output) -> int:
    """Compute the verdicts of a saved run again and print its log lines; return the exit status of the run."""
    for line in case.notes:
        output.line(line)
    status: int = trio.run(FingerRun(_setup(case, output)).run)
    return status


def _setup(case: SavedCase, output: Output) -> Setup:
    options: Options = parse(case.argv, lambda _: case.parameters)
    if options.bad_destination is not None:
        raise options.bad_destination
    output.ascii_only = not utf8_enabled(options)
    pem = "".join(ssl.DER_cert_to_PEM_cert(der) for der in case.trust)
    mask, _ = log_keywords.parse(options.log)
    return Setup(
        options=options,
        trust=TrustStore.from_pem(pem.encode("ascii")),
        anchors=case.anchors,
        tls=case.tls,
        ehlo=case.ehlo,
        mask=mask,
        ports=ReplayPorts(case),
        output=output,
        digests=case.digests,
    )


def run(path: str) -> int:
    """Replay a saved run; if lines differ from the saved lines, print them on stderr and return ``Exit.CHANGED``."""
    case = load(Path(path))
    output = Output("mxsweep")
    try:
        replay(case, output)
    except (Fatal, Usage, ValueError) as error:
        raise CliError(f"{path}: {str(error) or 'the arguments in the case are not a command line'}") from None
    finally:
        output.close()
    changes = difference(case, output.printed)
    sys.stderr.writelines(f"{safe(line, len(line))}\n" for line in changes)
    return Exit.CHANGED if changes else Exit.DONE


def difference(case: SavedCase, printed: Sequence[str]) -> list[str]:
    """Return the differences of the printed lines from the saved lines as a unified diff without context lines.

    If the lines are equal, return an empty list.

    In the comparison, session keys are ignored, because a session key depends on the offer of the TLS library, which
    may have changed.
    """
    then, now = ([_KEY.sub("&", line) for line in lines] for lines in (case.lines, printed))
    return list(difflib.unified_diff(then, now, "then", "now", lineterm="", n=0))

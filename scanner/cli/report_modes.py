"""The modes ``--paper`` and ``--rejudge`` of ``mxsweep report``."""

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from results.diff import rejudge_text
from results.diff.rejudge import rejudge as judge
from results.paper.write import write_paper
from results.store.reader import Run
from scanner import __version__
from scanner.cli import console
from scanner.cli.errors import CliError, as_cli_error
from scanner.cli.runs import write
from scanner.core.pkix import TrustStore
from scanner.net import truststore
from scanner.vocabulary import Level


def paper(run: Run, directory: str, history: Sequence[Run]) -> None:
    """Write the tables of a paper into a directory and print the names of the files.

    Raises:
        CliError: a run of the history is newer than ``run``.
        StoreError: a run cannot be read, or a file cannot be written.
    """
    with as_cli_error(ValueError):
        paths = write_paper(run, Path(directory), __version__, history)
    sys.stdout.writelines(f"{path}\n" for path in paths)


def rejudge(
    run: Run, *, at: str | None, level: str | None, ca_file: str | None, ca_path: str | None, form: str
) -> None:
    """Recompute the verdicts of a run and print the differences from the stored verdicts.

    Args:
        run: the run whose verdicts are recomputed.
        at: time at which the validity of certificates is checked, in the forms that ``moment`` parses; None for the
            time of each probe.
        level: security level, None for the level of the run.
        ca_file: PEM bundle of trusted roots; without ``ca_file`` and ``ca_path``, the roots of the run are used.
        ca_path: directory of trusted roots.
        form: ``text`` or ``json``.

    Raises:
        CliError: an argument is wrong.
        StoreError: the run cannot be read.
    """
    trust = _trust(run, ca_file, ca_path)
    found = judge(run, trust, Level(level) if level else None, moment(at) if at else None)
    if form == "json":
        write(rejudge_text.as_json(found))
    else:
        rejudge_text.print_rejudged(found, console.stdout())


def moment(text: str) -> datetime:
    """Parse a time: ``2026-12-31``, ``2026-12-31T06:00`` (UTC unless a zone is given), or ``+30d`` from now.

    Raises:
        CliError: the text is neither a date, nor a time, nor ``+DAYSd``.
    """
    days = re.fullmatch(r"\+(\d{1,5})d", text)
    if days:
        return datetime.now(UTC) + timedelta(days=int(days[1]))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(f"--at {text}: a date (2026-12-31), a time (2026-12-31T06:00) or +DAYSd was expected") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _trust(run: Run, ca_file: str | None, ca_path: str | None) -> TrustStore:
    """Return the trusted roots that the options name; without options, the roots that the run's settings name.

    If the settings of the run name no roots, return the trusted roots of the system.
    """
    if not ca_file and not ca_path:
        ca_file, ca_path = run.header.settings.get("ca_file"), run.header.settings.get("ca_path")
    try:
        found = truststore.load(ca_file, ca_path) if ca_file or ca_path else truststore.system()
    except truststore.TrustStoreError as error:
        raise CliError(f"{error}; --ca-file FILE names another") from None
    return found or TrustStore.from_pem()

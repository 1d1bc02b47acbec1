"""``mxsweep status``: the state of a run, and of each part of a scan with ``--dask``."""

import sys
from pathlib import Path

from rich.table import Table

from results.render.escape import safe
from results.store import codec
from results.store.files import StoreError
from scanner.cli import console
from scanner.cli.errors import as_cli_error
from scanner.scale.state import PartState, ScanState, scan_state

_HEADS = ("part", "round", "state", "pass", "hosts", "addresses", "probed", "to retry", "machine")


def status(run: str, *, as_json: bool) -> None:
    """Print the state of a run as text or as JSON.

    Raises:
        CliError: the directory contains no run, or a file cannot be read.
    """
    with as_cli_error(StoreError):
        found = scan_state(Path(run))
    if as_json:
        sys.stdout.write(codec.pretty(found).decode())
    else:
        _print(found)
    sys.stdout.flush()


def _print(found: ScanState) -> None:
    out = console.stdout()
    domains = "" if found.domains is None else f", {found.domains} domains"
    out.print(
        f"{safe(found.run)}: {found.state}; {found.stage}{domains}", soft_wrap=True, markup=False, highlight=False
    )
    if found.parts:
        table = Table(box=None, pad_edge=False, header_style="")
        for number, head in enumerate(_HEADS):
            table.add_column(head, justify="left" if number in (2, 8) else "right")
        for part in found.parts:
            table.add_row(*_texts(part))
        out.print(table)


def _texts(part: PartState) -> tuple[str, ...]:
    state = "not begun" if part.state is None else str(part.state)
    again = "" if part.again is None else str(part.again)
    counts = (part.hosts, part.addresses, part.endpoints_probed, part.pending)
    return (str(part.number), str(part.round), state, again, *map(str, counts), safe(part.machine))

"""The messages about lists, and the domains that a resumed run examines after it was killed before a retry pass."""

import gzip
import lzma
from pathlib import Path

from scanner.cli.errors import CliError
from scanner.cli.input import Input, spooled
from targets.lists import Lists, Reader

READER = Reader()


class Said:
    """Reads a list as ``scan`` does, and keeps the lines for stderr."""

    def __init__(self, place: Path, data: bytes, max_rejects: float = 10) -> None:
        self.lines: list[str] = []
        self.total = 0
        self.error = ""
        (place / "list").write_bytes(data)
        given = Input(READER, (), Lists([place / "list"], READER), None, max_rejects=max_rejects)
        try:
            with spooled(given, None, self.lines.append, quiet=True) as spool:
                self.total = spool.total
        except CliError as error:
            self.error = str(error)


def test_more_rejects_than_the_limit_are_reported(tmp_path: Path) -> None:
    """One of ten lines is not more than 10 %."""
    names = b"".join(b"d%d.example\n" % number for number in range(9))
    assert Said(tmp_path, names + b"a b\n").lines == []
    found = Said(tmp_path, names + b"a b\n! b\n")
    reason = "not a valid host name: it contains white space"
    share = "2 of 11 lines are rejected (18.2 %, more than --max-rejects 10)"
    assert (found.total, found.lines) == (9, [f"{share}; most often: {reason}"])


def test_the_unreadable_end_of_a_list_is_no_rejected_line(tmp_path: Path) -> None:
    found = Said(tmp_path, gzip.compress(b"a.example\n")[:-8])
    assert found.total == 1
    beyond = "the file cannot be read beyond line 1, its rest is skipped (the gzip data is truncated)"
    assert found.lines == [f"{tmp_path}/list: {beyond}"]


def test_a_list_without_a_readable_line_has_one_message(tmp_path: Path) -> None:
    found = Said(tmp_path, gzip.compress(b"a.example\n")[:4])
    reason = "the file cannot be read (the gzip data is truncated); make a new copy of the list"
    assert (found.lines, found.error) == ([], f"nothing to scan: {tmp_path}/list: {reason}")
    large = lzma.compress(b"a.example\n", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**28}])
    reason = "the file cannot be read (the xz data needs too much memory; unpack the list first)"
    assert Said(tmp_path, large).error == f"nothing to scan: {tmp_path}/list: {reason}"


def test_the_first_rejects_of_a_list_without_a_destination_are_shown(tmp_path: Path) -> None:
    found = Said(tmp_path, b"a b\n" * 12)
    reason = "not a valid host name: it contains white space"
    assert found.lines == [f"{tmp_path}/list:{number}: a b: {reason}" for number in range(1, 11)]
    assert found.error.startswith(
        f"nothing to scan: all 12 lines are rejected: {reason}; one domain per line was expected"
    )

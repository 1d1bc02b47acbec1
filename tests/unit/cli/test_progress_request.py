"""The requested outputs of the progress."""

from pathlib import Path

import pytest

from scanner.cli.errors import CliError
from scanner.cli.progress_request import progress_request


def test_files_are_opened_before_the_scan(tmp_path: Path) -> None:
    flags = {"status_file": str(tmp_path / "no" / "file"), "metrics_file": None, "quiet": True, "output": "-"}
    with pytest.raises(CliError, match="No such file"):
        progress_request(flags | {"status_every": 10.0})


@pytest.mark.parametrize(("quiet", "output", "expected"), [(False, "-", False), (True, "-", True), (False, None, True)])
def test_no_display_beside_a_verdict_in_words(quiet: bool, output: str | None, expected: bool) -> None:  # noqa: FBT001 - a case
    flags = {"status_file": None, "metrics_file": None, "quiet": quiet, "output": output, "status_every": 10.0}
    assert progress_request(flags).quiet == expected

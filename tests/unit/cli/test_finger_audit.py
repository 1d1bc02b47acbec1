"""``finger --json --all``: options that ``scan`` does not have are errors."""

import pytest

from scanner.cli.finger_audit import audit
from scanner.finger.options import Fatal
from tests.unit.memory_ports import DOMAIN, MemoryPorts, setup


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (("-l", "none", DOMAIN), "-l none"),
        (("-l", "fingerprint", DOMAIN, "aa"), "-l fingerprint, match arguments"),
        (("-M", "may", DOMAIN), "-M"),
        (("-f", DOMAIN), "-f"),
        (("-s", "nexthop", DOMAIN), "-s"),
        (("--save", "case.json", DOMAIN), "--save"),
    ],
)
async def test_options_of_single_runs_are_refused(argv: tuple[str, ...], named: str) -> None:
    given = setup(MemoryPorts([], []), *argv)
    with pytest.raises(Fatal) as refusal:
        await audit(given, None)  # type: ignore[arg-type] # no lookup may happen
    assert str(refusal.value) == f"--json --all judges as scan does, which does not support {named}"

"""``finger --json --all``: what its judgement does not know is refused, never left out."""

import pytest

from scanner.cli.finger_audit import audit
from scanner.finger.options import Fatal
from tests.unit.memory_world import DOMAIN, MemoryWorld, setup


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
    given = setup(MemoryWorld([], []), *argv)
    with pytest.raises(Fatal) as refusal:
        await audit(given, None)  # type: ignore[arg-type] # it must not come to a look-up
    assert str(refusal.value) == f"--json --all judges as scan does, which does not know {named}"

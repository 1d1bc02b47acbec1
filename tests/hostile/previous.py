"""The ten faults of version 0.1.0 that one domain could use against a scan: each is shown in 0.1.0, and names its test.

The tests cannot run with 0.1.0, because the modules and interfaces that they import did not exist. In place of the
tests, ``previous_faults`` shows each fault with the same kind of input, in an environment with 0.1.0.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.model import Row
from tests.bench.previous import VERSION, python
from tests.hostile import certificates, previous_faults
from tests.hostile.previous_faults import FaultShown

TESTS: dict[FaultShown, str] = {
    previous_faults.endless_path: "tests/hostile/test_poison.py::"
    "test_a_value_that_no_record_can_hold_costs_its_own_domain_only",
    previous_faults.many_addresses: "tests/hostile/test_fan_out.py::test_good_domains_beside_hostile_domains",
    previous_faults.long_identifier: "tests/hostile/test_peers.py::test_no_step_takes_much_processor_time",
    previous_faults.long_arcs: "tests/fuzz/test_fuzz.py::test_kept_inputs_show_no_fault_any_more",
    previous_faults.cached_names: "tests/unit/core/x509/test_cache.py::test_results_are_kept_by_size",
    previous_faults.configuration: "tests/unit/net/test_unbound_conf.py::test_no_path_adds_to_the_configuration",
    previous_faults.fifo: "tests/fuzz/test_runs.py::test_a_fifo_in_place_of_a_file",
    previous_faults.query: "tests/unit/results/export/test_database.py::test_sql_reaches_no_other_file",
    previous_faults.log_link: "tests/unit/cli/test_log_file.py::test_a_link_in_a_directory_of_others_is_not_followed",
    previous_faults.closed_output: "tests/cli/test_process.py::test_closed_standard_output",
}
"""The test of this version for each fault."""

LEAVES = 10
"""Number of certificates of which the cache is measured."""


def rows() -> list[Row]:
    """Show each fault in version 0.1.0."""
    seen = _shown(python())
    found = [(fault, test, seen[fault.__name__]) for fault, test in TESTS.items()]
    return [Row(f"{test}, in {VERSION}", text or "no fault", "a fault", bool(text)) for _, test, text in found]


def _shown(program: Path) -> dict[str, str]:
    source, script = program.parents[2] / "source", Path(previous_faults.__file__)
    with tempfile.TemporaryDirectory(prefix="mxsweep-hostile-") as place:
        given = json.dumps({"certificates": _certificates(), "place": place})
        done = subprocess.run([program, script], cwd=source, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return dict(json.loads(done.stdout))


def _certificates() -> dict[str, str]:
    makers: tuple[Callable[[], bytes], ...] = (certificates.endless_path, certificates.long_oid, certificates.long_arcs)
    found = {maker.__name__: maker() for maker in makers}
    found |= {f"many_names {number}": certificates.many_names(number) for number in range(LEAVES)}
    return {name: der.hex() for name, der in found.items()}

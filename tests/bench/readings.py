"""Queries and exports of a run of 100,000 domains, in processor time, beside DuckDB and orjson on the same files.

Each is measured in a process of its own that includes its start; the least of some turns counts.
"""

import tempfile
from pathlib import Path

from tests.bench.model import Row
from tests.bench.report import PARSE, command, measured
from tests.bench.synthetic import make_run

DOMAINS = 100_000
HOSTS = 10_000
TURNS = 3
QUERY, EXPORT = 1.2, 4.0
"""Targets: a query to DuckDB on the same file, and an export to Parquet to orjson.loads of every line."""

SQL = "SELECT dane, count(*) AS domains FROM domains GROUP BY dane"
_DUCKDB = """
import duckdb
print(duckdb.sql(
    f"SELECT verdict.dane, count(*) FROM read_json('{place}/domains.jsonl', maximum_object_size=16777216) GROUP BY ALL"
).fetchall())
"""


def rows() -> list[Row]:
    """Measure DuckDB and orjson alone, then a query and an export."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory) / "run"
        make_run(place, DOMAINS, HOSTS)
        parsing = measured(PARSE, place, TURNS)[0]
        reading = measured(_DUCKDB, place, TURNS)[0]
        asking = measured(command("query", str(place), SQL), place, TURNS)[0]
        exports = [
            measured(command("export", str(place), "--format", "parquet", "-o", f"{directory}/{turn}"), place, 1)
            for turn in range(TURNS)
        ]
    writing = min(seconds for seconds, _ in exports)
    query, export = asking / reading, writing / parsing
    return [
        Row("orjson.loads of every line, processor time", f"{parsing:.2f} s"),
        Row("DuckDB reads domains.jsonl and counts", f"{reading:.2f} s"),
        Row("mxsweep query, the same count", f"{asking:.2f} s"),
        Row("query to DuckDB", f"{query:.2f}", f"at most {QUERY}", query <= QUERY),
        Row("mxsweep export --format parquet", f"{writing:.2f} s"),
        Row("export to orjson", f"{export:.2f}", f"at most {EXPORT}", export <= EXPORT),
        Row("export, peak memory", f"{max(peak for _, peak in exports):.0f} MB"),
    ]

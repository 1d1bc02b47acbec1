"""The runner of the benchmarks and attacks; the measurements themselves are not tested."""

import pytest

import tests.bench
import tests.hostile
from tests.bench import measure
from tests.bench.__main__ import RESERVED
from tests.bench.measure import Rows, found, run
from tests.bench.model import Row


def test_every_benchmark_and_attack_is_found() -> None:
    assert {"dns", *RESERVED} <= set(found(tests.bench))
    assert not {"model", "measure", "__main__"} & set(found(tests.bench))
    assert "crowd" in found(tests.hostile)


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tests.bench, "benchmark", ["nonsense"]) == 2
    assert "unknown benchmark: nonsense; known are: " in capsys.readouterr().err


@pytest.mark.parametrize(("ok", "status"), [(True, 0), (None, 0), (False, 1)])
def test_a_missed_target_shows_in_the_status(monkeypatch: pytest.MonkeyPatch, ok: bool | None, status: int) -> None:  # noqa: FBT001 - a table
    monkeypatch.setattr(measure, "found", lambda _: {"a": lambda: [Row("speed", "1", "2", ok)]})
    assert run(tests.bench, "benchmark", []) == status


@pytest.mark.parametrize("wanted", [[], ["all"]])
def test_reserved_modules_run_only_by_name(monkeypatch: pytest.MonkeyPatch, wanted: list[str]) -> None:
    called: list[str] = []

    def rows_of(name: str) -> Rows:
        def rows() -> list[Row]:
            called.append(name)
            return []

        return rows

    monkeypatch.setattr(measure, "found", lambda _: {name: rows_of(name) for name in ("soak", "disturbed", "other")})
    run(tests.bench, "benchmark", wanted, RESERVED)
    assert called == ["other"]
    run(tests.bench, "benchmark", ["soak", "disturbed"], RESERVED)
    assert called == ["other", "soak", "disturbed"]

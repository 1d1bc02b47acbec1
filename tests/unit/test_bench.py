"""The runner of the benchmarks; what they measure is not tested."""

import pytest

from tests.bench import __main__ as bench
from tests.bench.model import Row


def test_every_benchmark_is_found() -> None:
    assert "dns" in bench.found()
    assert not {"model", "__main__"} & set(bench.found())


def test_a_name_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["nonsense"]) == 2
    assert "no benchmark: nonsense; there are: " in capsys.readouterr().err


@pytest.mark.parametrize(("ok", "status"), [(True, 0), (None, 0), (False, 1)])
def test_a_missed_target_shows_in_the_status(monkeypatch: pytest.MonkeyPatch, ok: bool | None, status: int) -> None:  # noqa: FBT001 - a table
    monkeypatch.setattr(bench, "found", lambda: {"a": lambda: [Row("speed", "1", "2", ok)]})
    assert bench.main([]) == status


def test_soak_waits_to_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def rows_of(name: str) -> bench.Rows:
        def rows() -> list[Row]:
            called.append(name)
            return []

        return rows

    monkeypatch.setattr(bench, "found", lambda: {name: rows_of(name) for name in ("soak", "disturbed", "other")})
    bench.main([])
    assert called == ["other"]
    bench.main(["soak", "disturbed"])
    assert called == ["other", "soak", "disturbed"]

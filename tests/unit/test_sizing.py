"""The table of sizes in docs/scale-out.md is that of the constants."""

import pytest

from tests.bench import sizing


def test_the_page_contains_the_table() -> None:
    assert sizing.page() == sizing.PAGE.read_text(), "python -m tests.bench.sizing"


def test_the_times_follow_from_the_rates() -> None:
    """Computed by hand: 0.35 million endpoints; 1.55 million DNS queries; 100,000 endpoints of a provider."""
    assert sizing.endpoints(1e6) == pytest.approx(350_000)
    assert sizing.seconds(1e6, sizing.Fleet(1, 100, 500)) == pytest.approx(3500)
    assert sizing.seconds(1e6, sizing.Fleet(2, 1000, 500)) == pytest.approx(1550)
    assert sizing.processor_seconds(1e6) == pytest.approx(823)
    assert sizing.provider_seconds(1e5) == pytest.approx(25_000)


def test_a_stale_table_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizing, "SIGNED", 0.9)
    assert "90 % of the\nMX hosts" in sizing.page()
    assert sizing.page() != sizing.PAGE.read_text()

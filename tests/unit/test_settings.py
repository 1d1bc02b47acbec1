"""Properties of the settings."""

from dataclasses import replace

import pytest

from scanner.settings import Settings
from scanner.vocabulary import Level

SAMPLED = Settings(sni_sample=2)


@pytest.mark.parametrize(
    ("settings", "has"),
    [
        (SAMPLED, True),
        (replace(SAMPLED, sni="mx", level=Level.DANE_ONLY), True),
        (Settings(), False),
        (replace(SAMPLED, sni="none"), False),
        (replace(SAMPLED, level=Level.ENCRYPT), False),
        (replace(SAMPLED, level=Level.SECURE), False),
    ],
)
def test_hosts_are_sampled_at_dane_levels_with_a_server_name(settings: Settings, has: bool) -> None:  # noqa: FBT001 - table
    assert settings.samples_hosts is has

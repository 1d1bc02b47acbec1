"""How many connections and DNS queries a limit of open files permits."""

import pytest

from scanner.core.file_limit import FILES_BESIDE, LEAST, OTHERS, InFlight, permitted

DEFAULT = InFlight(512, 256)


@pytest.mark.parametrize(
    ("limit", "wanted", "found"),
    [
        (None, InFlight(10**9, 256), InFlight(10**9, 256)),
        (1024, DEFAULT, DEFAULT),
        (1023, DEFAULT, InFlight(481, 239)),
        (256, DEFAULT, InFlight(96, 48)),
        (256, InFlight(8, 256), InFlight(8, 48)),
        (LEAST, DEFAULT, InFlight(8, 4)),
        (LEAST - 1, DEFAULT, None),
        (LEAST - 1, InFlight(1, 1), None),
    ],
)
def test_permitted(limit: int | None, wanted: InFlight, found: InFlight | None) -> None:
    assert permitted(limit, wanted) == found


@pytest.mark.parametrize("limit", range(LEAST, 512 + FILES_BESIDE, 7))
def test_all_sockets_fit_beside_the_other_files(limit: int) -> None:
    found = permitted(limit, DEFAULT)
    assert found is not None
    assert found.connections + 2 * found.queries + OTHERS <= limit
    assert min(found) > 0

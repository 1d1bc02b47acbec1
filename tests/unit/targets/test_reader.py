"""The parser of one destination; ``test_destination`` and ``test_kinds`` test its parts."""

import pytest

from targets.kinds import Accept
from targets.reader import Reader


@pytest.mark.parametrize(
    ("reader", "text", "key"),
    [
        (Reader(), "Example.COM", "example.com"),
        (Reader(), "example.com.", "example.com"),
        (Reader(), "[mx.example.com]:587", "[mx.example.com]:587"),
        (Reader(default_port=587), "example.com", "example.com:587"),
        (Reader(accept=frozenset({Accept.URLS})), "https://example.com/path", "example.com"),
        (Reader(lmtp=True), "unix:/Path", "unix:/Path"),
    ],
)
def test_destinations(reader: Reader, text: str, key: str) -> None:
    assert reader.destination(text).key == key


@pytest.mark.parametrize("text", ["", "a b", "-", "a..b", ".".join(["x" * 60] * 5)])
def test_texts_that_are_no_destinations(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Reader().destination(text)


def test_a_plain_domain_is_its_own_key() -> None:
    assert (Reader().plain_is_key, Reader(default_port=587).plain_is_key) == (True, False)
    assert Reader().plain("example.com") == Reader().destination("example.com")

"""Memory bounded in octets and entries."""

from scanner.core.x509.cache import LARGE, Kept, remembered


def test_results_are_kept_by_size() -> None:
    calls: list[int] = []

    @remembered(2, 10)
    def size(data: bytes) -> int:
        calls.append(len(data))
        return len(data)

    assert [size(b"a"), size(b"a"), size(b"b" * 11), size(b"b" * 11)] == [1, 1, 11, 11]
    assert calls == [1, 11]
    for at in range(LARGE + 1):
        size(bytes([at]) * 20)
    size(b"b" * 11)
    assert calls.count(11) == 2, "few results of long arguments are kept"


def test_the_oldest_entry_is_dropped() -> None:
    kept: Kept[str, int] = Kept(2)
    made: list[str] = []

    def make(key: str) -> int:
        made.append(key)
        return 0

    for key in ("a", "b", "a", "c", "a"):
        assert kept.get(key, lambda key=key: make(key)) == 0  # type: ignore[misc]
    assert made == ["a", "b", "c", "a"]
    assert (kept.peek("c"), kept.peek("b")) == (0, None)

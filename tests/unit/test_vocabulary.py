from scanner.reasons import REASONS, Reason


def test_every_reason_is_explained_once() -> None:
    assert set(REASONS) == set(Reason)
    assert len({row.words for row in REASONS.values()}) == len(REASONS)

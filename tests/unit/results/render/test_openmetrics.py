"""OpenMetrics text, read back by the parser of the official client."""

from results.render.openmetrics import END, by_word, gauge, histogram
from scanner.vocabulary import Pkix
from tests.unit.results.export.test_metrics import samples as read


def samples(text: str) -> dict[tuple[str, str], float]:
    return {(name, "".join(value for _, value in labels)): count for (name, labels), count in read(text + END).items()}


def test_labels_are_escaped() -> None:
    assert samples(gauge("a", "Help.", [({"x": 'say "hi"\\\n'}, 2)])) == {("a", 'say "hi"\\\n'): 2}


def test_every_word_has_a_sample_and_so_has_one_of_a_later_version() -> None:
    rows = by_word("verdict", {"trusted": 3, "quantum": 1}, Pkix)
    assert [(labels["verdict"], count) for labels, count in rows] == [
        ("trusted", 3),
        ("untrusted", 0),
        ("unknown", 0),
        ("quantum", 1),
    ]


def test_buckets_are_cumulative_and_bounds_belong_to_them() -> None:
    found = samples(histogram("left_days", "Help.", [0, 1, 1.5, 9], (0, 1, 2), "days"))
    assert [found["left_days_bucket", bound] for bound in ("0.0", "1.0", "2.0", "+Inf")] == [1, 2, 3, 4]
    assert (found["left_days_count", ""], found["left_days_sum", ""]) == (4, 11.5)

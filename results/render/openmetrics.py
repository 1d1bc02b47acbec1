"""The text of metrics: OpenMetrics 1.0 that older readers of Prometheus' own format take too."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate

Labels = Mapping[str, str]
_Sample = tuple[str, Labels, float]

END = "# EOF\n"
"""The last line of a text."""


def by_word(label: str, table: Mapping[str, int], words: type[StrEnum]) -> list[tuple[Labels, float]]:
    """Every word that there is, and those of a later version that this one does not know."""
    return [({label: word}, table.get(word, 0)) for word in dict.fromkeys([*map(str, words), *table])]


def gauge(name: str, help_: str, rows: Iterable[tuple[Labels, float]], unit: str = "") -> str:
    """Give a gauge: labels and value of each sample."""
    return _head(name, "gauge", help_, unit) + "".join(_line((name, labels, value)) for labels, value in rows)


def histogram(name: str, help_: str, values: Sequence[float], bounds: Sequence[float], unit: str) -> str:
    """Give a histogram of values, with the upper bounds of its buckets."""
    places = [bisect_left(bounds, value) for value in values]
    counts = list(accumulate(places.count(place) for place in range(len(bounds))))
    samples: list[_Sample] = [
        (f"{name}_bucket", {"le": f"{bound:.1f}"}, count) for bound, count in zip(bounds, counts, strict=True)
    ]
    samples += [
        (f"{name}_bucket", {"le": "+Inf"}, len(values)),
        (f"{name}_count", {}, len(values)),
        (f"{name}_sum", {}, sum(values)),
    ]
    return _head(name, "histogram", help_, unit) + "".join(map(_line, samples))


def _head(name: str, kind: str, help_: str, unit: str) -> str:
    said = f"# UNIT {name} {unit}\n" if unit else ""
    return f"# TYPE {name} {kind}\n{said}# HELP {name} {help_}\n"


def _line(sample: _Sample) -> str:
    name, labels, value = sample
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value}\n" if inside else f"{name} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

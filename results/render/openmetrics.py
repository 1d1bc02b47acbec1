"""OpenMetrics 1.0 text, limited to the subset that Prometheus' older text format also allows."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import accumulate

Labels = Mapping[str, str]
_Sample = tuple[str, Labels, float]

END = "# EOF\n"
"""The last line of every OpenMetrics text."""


def by_word(label: str, table: Mapping[str, int], words: type[StrEnum]) -> list[tuple[Labels, float]]:
    """Return the labels and count of a metric sample for every value of ``words`` and every other key of ``table``."""
    return [({label: word}, table.get(word, 0)) for word in dict.fromkeys([*map(str, words), *table])]


def gauge(name: str, help_: str, rows: Iterable[tuple[Labels, float]], unit: str = "") -> str:
    """Return a metric of type gauge; ``rows`` contains the labels and the value of each sample."""
    return _head(name, "gauge", help_, unit) + "".join(_line((name, labels, value)) for labels, value in rows)


def histogram(name: str, help_: str, values: Sequence[float], bounds: Sequence[float], unit: str) -> str:
    """Return a metric of type histogram; ``bounds`` contains the upper bounds of the buckets, in ascending order."""
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

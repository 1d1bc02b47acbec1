"""Counts for the paper tables: each label by domains and by distinct MX hosts, and the table that they make."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from results.render.tables import Table

COLUMNS = ("domains", "domains %", "MX hosts", "MX hosts %")


class Tally:
    """Labels with how many domains have them, and which MX hosts."""

    def __init__(self) -> None:
        self.domains: Counter[str] = Counter()
        self._hosts: dict[str, set[str]] = {}

    def add(self, labels: Iterable[str], hosts: Iterable[str] = ()) -> None:
        """Count a domain under each label, once, and these hosts (report keys) with it."""
        keys = set(hosts)
        for label in set(labels):
            self.domains[label] += 1
            self._hosts.setdefault(label, set()).update(keys)

    def add_of_hosts(self, labels: Mapping[str, Iterable[str]]) -> None:
        """Count a domain under every label of its hosts, and each host (a report key) under its own."""
        for host, own in labels.items():
            for label in own:
                self._hosts.setdefault(label, set()).add(host)
        self.domains.update({label for own in labels.values() for label in own})

    def add_furthest(self, label: str, hosts: Mapping[str, str]) -> None:
        """Count a domain under one label, and each host under its own."""
        self.domains[label] += 1
        for host, own in hosts.items():
            self._hosts.setdefault(own, set()).add(host)

    def hosts(self, label: str) -> int:
        """How many hosts have the label."""
        return len(self._hosts.get(label, ()))

    def all_hosts(self) -> set[str]:
        """Give every host that has a label."""
        return set().union(*self._hosts.values())

    @property
    def labels(self) -> list[str]:
        """All labels, those of most domains first."""
        return sorted(
            {*self.domains, *self._hosts}, key=lambda label: (-self.domains[label], -self.hosts(label), label)
        )

    def row(self, label: str, base: tuple[int, int]) -> tuple[int, float | None, int, float | None]:
        """Give the cells of a label: counts, and percentages of (domains, hosts)."""
        domains, hosts = self.domains[label], self.hosts(label)
        return domains, percent(domains, base[0]), hosts, percent(hosts, base[1])

    def table(
        self, name: str, title: str, what: str, base: tuple[int, int], note: str, labels: Sequence[str] | None = None
    ) -> Table:
        """Make a table; ``labels`` gives rows and their order, else all labels, those of most domains first."""
        chosen = self.labels if labels is None else labels
        return Table(name, title, (what, *COLUMNS), tuple((label, *self.row(label, base)) for label in chosen), note)


def percent(part: int, whole: int) -> float | None:
    """Give a percentage, None of nothing."""
    return round(100 * part / whole, 2) if whole else None

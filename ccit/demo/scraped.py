"""What processes say of themselves to Prometheus, read as Prometheus reads it."""

from __future__ import annotations

import urllib.request
from collections import Counter
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Scraped:
    """The counters of one process.

    Example
    -------
    >>> Scraped.of('# TYPE rows counter\\nrows_total{prompt="entry"} 7\\n').by("rows_total", "prompt")
    Counter({'entry': 7})
    """

    text: str = ""
    samples: list[tuple[str, dict[str, str], float]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Scraped:
        """Parse a page."""
        families = text_string_to_metric_families(text)
        return cls(text, [(one.name, one.labels, one.value) for family in families for one in family.samples])

    @classmethod
    def at(cls, port: int) -> Scraped:
        """Ask the process on this port of this machine; nothing yet where it has not opened it."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=_TIMEOUT_S) as page:
                return cls.of(page.read().decode())
        except OSError:
            return cls()

    def by(self, name: str, label: str) -> Counter[str]:
        """A counter's values by one of its labels."""
        found: Counter[str] = Counter()
        for sample, labels, value in self.samples:
            if sample == name:
                found[labels.get(label, "")] += int(value)
        return found

    def total(self, name: str) -> int:
        """A counter's value, all labels together."""
        return sum(int(value) for sample, _, value in self.samples if sample == name)

"""One figure of a benchmark and how a list of them is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` in ``unit``; ``bar`` such as ``<= 3`` is what was asked, empty for a figure that only informs."""

    name: str
    value: float
    unit: str
    bar: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the bar is met; ``None`` without a bar."""
        if not self.bar:
            return None
        operator, limit = self.bar.split()
        return self.value <= float(limit) if operator == "<=" else self.value >= float(limit)

    def row(self) -> dict[str, object]:
        """The figure as the command line prints it."""
        rounded = float(f"{self.value:.4g}")
        return {"name": self.name, "value": rounded, "unit": self.unit, "bar": self.bar, "holds": self.holds}


def all_hold(figures: Sequence[Figure]) -> bool:
    """Whether no figure misses its bar."""
    return all(figure.holds is not False for figure in figures)

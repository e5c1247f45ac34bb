"""Problems (不備) of single rows, collected while a block is mapped: reason, field and a code, never a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

SEPARATOR = ";"


class Finding(NamedTuple):
    """One problem of one cell. ``row`` counts from 0 in the block; ``detail`` is a vendor code or a code point."""

    row: int
    reason: str
    detail: str = ""


@dataclass(slots=True)
class Problems:
    """The problems of a block of rows, in the form of the column ``problem``: ``reason:field:detail;…``."""

    rows: int
    _carried: frozenset[tuple[int, str]] = frozenset()
    _texts: dict[int, list[str]] = field(default_factory=dict)
    _fields: set[tuple[int, str]] = field(default_factory=set)

    @classmethod
    def carried(cls, column: pa.Array) -> Problems:
        """Start from what an earlier step found."""
        problems = cls(len(column))
        if column.null_count < len(column):
            for row, text in enumerate(column.to_pylist()):
                for one in text.split(SEPARATOR) if text else ():
                    problems._add_text(row, one, one.split(":")[1] if ":" in one else "")
        problems._carried = frozenset(problems._fields)
        return problems

    def add(self, name: str, findings: Iterable[Finding]) -> None:
        """Note what was found in the field ``name``. A cell that came with a problem keeps that: the cause."""
        for row, reason, detail in findings:
            if (row, name) in self._carried:
                continue
            text = f"{reason}:{name}:{detail}" if detail else f"{reason}:{name}"
            self._add_text(row, text, name)

    def has(self, row: int, name: str) -> bool:
        """Whether this cell has a problem already."""
        return (row, name) in self._fields

    @property
    def count(self) -> int:
        """Number of rows with a problem."""
        return len(self._texts)

    def column(self) -> pa.Array:
        """The column ``problem``; null where a row is good."""
        if not self._texts:
            return pa.nulls(self.rows, pa.string())
        return pa.array([self._joined(row) for row in range(self.rows)], pa.string())

    def _joined(self, row: int) -> str | None:
        texts = self._texts.get(row)
        return SEPARATOR.join(dict.fromkeys(texts)) if texts else None

    def _add_text(self, row: int, text: str, name: str) -> None:
        self._texts.setdefault(row, []).append(text)
        self._fields.add((row, name))


def at(rows: Sequence[int] | Iterable[int], reason: str) -> Iterator[Finding]:
    """The same finding at several rows."""
    return (Finding(int(row), reason) for row in rows)

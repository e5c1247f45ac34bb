"""How commands speak: tables and progress for people (rich), one JSON object a line for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unicodedata import category

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from records.errors import UtsushiError


class Output:
    """Prints rows either as a table (with ``title``) or as JSON lines; errors go to stderr."""

    def __init__(self, *, json_lines: bool) -> None:
        self.json_lines = json_lines
        self.console = Console(stderr=json_lines)
        if not self.console.is_terminal:
            self.console = Console(stderr=json_lines, width=140)  # a log has no edge to fold at

    def rows(self, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Print ``rows``, which share their keys."""
        if self.json_lines:
            for row in rows:
                print(json.dumps(row, ensure_ascii=False, default=str), flush=True)
            return
        table = Table(title=title, title_justify="left")
        for key in rows[0] if rows else ("nothing",):
            table.add_column(key, overflow="fold")
        for row in rows:
            table.add_row(*(_cell(value) for value in row.values()))
        self.console.print(table)

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """A bar of ``total`` steps; call what it gives after each."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task(title, total=total)
            yield lambda: bar.advance(task)

    def say(self, text: str) -> None:
        """One line of progress (stderr when the output is JSON)."""
        self.console.print(text, highlight=False, markup=False)

    def error(self, error: UtsushiError) -> None:
        """One line: code, text and place; never a person's data."""
        if self.json_lines:
            print(json.dumps({"error": error.code, "text": str(error)}, ensure_ascii=False), flush=True)
        print(f"utsushi: {error}", file=sys.stderr)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "[green]yes[/]" if value else "[red]NO[/]"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, list | tuple):
        return "\n".join(_shown(str(one)) for one in value)
    return "" if value is None else _shown(str(value))


def _shown(text: str) -> str:
    """Text that somebody else wrote, harmless at a terminal: no markup, no control or direction characters."""
    return escape("".join(f"\\u{ord(one):04x}" if category(one) in ("Cc", "Cf") else one for one in text))

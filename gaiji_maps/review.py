"""Reviewing the correspondence table (対照表の確認): propose, confirm, reject, have a glyph made; by two persons.

Each change rewrites ``gaiji_map.csv`` whole, checked, under a lock; rows are never deleted, so the file (kept under
version control) says who decided what, when and why. Candidates come from ``identification``; Excel is ``workbook``'s.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from datetime import date
from pathlib import Path

from gaiji_maps import correspondence
from gaiji_maps.correspondence import (
    COLUMNS,
    MAP_FILE,
    TO_BE_MADE,
    TO_BE_TAKEN_BACK,
    Correspondence,
    same_person,
    text_of_target,
    why_not_drawn,
)
from gaiji_maps.font_coverage import coverage
from records.errors import ConfigurationError, Place, UtsushiError

OPEN = ("proposed", TO_BE_MADE)
Rows = list[Correspondence]


class ReviewRefused(UtsushiError):
    """A rule of the review says no: the same person, no such row, a row that is settled already."""

    code = "review_refused"


@dataclass(frozen=True, slots=True)
class Code:
    """Whose code is meant: vendor system (``awa_csv``), charset (``cp932-eudc``) and the code (``F040``)."""

    vendor_system: str
    charset: str
    code: str

    def has(self, row: Correspondence) -> bool:
        """Whether ``row`` is about this code."""
        return (row.vendor_system, row.charset, row.code) == (self.vendor_system, self.charset, self.code)


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, and on which day; ``reason`` is 理由, which a rejection must have."""

    by: str
    on: date
    reason: str = ""

    @property
    def day(self) -> str:
        """As it is written into the table."""
        return self.on.isoformat()


def propose(rows: Rows, code: Code, target: str, identified_by: str, act: Act) -> None:
    """対応の提案: ``target`` is an MJ文字図形名 or an own glyph (``U+F0000``). One open proposal per code."""
    _refuse_settled(rows, code)
    rows.append(_row(code, target, "proposed", identified_by, act))


def have_made(rows: Rows, code: Code, identified_by: str, act: Act) -> None:
    """作字の依頼: no standard glyph was found by a person; the municipality's own font gets one."""
    _refuse_settled(rows, code)
    rows.append(_row(code, "", TO_BE_MADE, identified_by, act))


def asked_for(rows: Rows) -> list[Code]:
    """Every code that a glyph is to be made for."""
    return [Code(row.vendor_system, row.charset, row.code) for row in rows if row.state == TO_BE_MADE]


def require_asked_for(rows: Rows, code: Code) -> None:
    """Refuse unless a glyph is to be made for this code."""
    _open(rows, code, (TO_BE_MADE,))


def made(rows: Rows, code: Code, target: str, act: Act) -> None:
    """作字済み: the glyph that was asked for exists now; whoever made it proposes it, another one confirms."""
    at = _open(rows, code, (TO_BE_MADE,))
    how = f"glyph made, asked for by {rows[at].proposed_by} on {rows[at].proposed_on}"
    rows[at] = _row(code, target, "proposed", how, act)


def confirm(rows: Rows, code: Code, act: Act) -> None:
    """確認: by another person than who proposed."""
    at = _open(rows, code, ("proposed",))
    if same_person(rows[at].proposed_by, act.by):
        raise ReviewRefused("nobody confirms their own proposal: another person must", Place(field=code.code))
    reason = act.reason or rows[at].reason
    rows[at] = replace(rows[at], state="confirmed", confirmed_by=act.by, confirmed_on=act.day, reason=reason)


def reject(rows: Rows, code: Code, act: Act) -> Correspondence | None:
    """却下 of what is open, with a reason; and 撤回 of a confirmed row, which two persons do: one asks, another agrees.

    The confirmed row takes part until the second one agrees. Returns it when it has been taken back: text was stored by
    it, so whoever bears the character must wait again.
    """
    standing = current(rows, code)
    if standing is not None and standing.state == "confirmed":
        return _take_back(rows, code, act)
    if not act.reason:
        raise ReviewRefused("a rejection says why", Place(field=code.code))
    at = _open(rows, code, OPEN)
    rows[at] = _rejected(rows[at], f"{act.reason} (rejected by {act.by} on {act.day})")
    return None


def _take_back(rows: Rows, code: Code, act: Act) -> Correspondence | None:
    confirmed = _open(rows, code, ("confirmed",))
    asked = next((at for at, row in enumerate(rows) if code.has(row) and row.state == TO_BE_TAKEN_BACK), None)
    if asked is None:
        if not act.reason:
            raise ReviewRefused("whoever takes back a confirmed row says why", Place(field=code.code))
        rows.append(_row(code, rows[confirmed].target, TO_BE_TAKEN_BACK, "to be taken back", act))
        return None
    row = rows[asked]
    if same_person(row.proposed_by, act.by):
        raise ReviewRefused("another person must agree that this row is taken back", Place(field=code.code))
    why = f"{row.reason} (taken back by {row.proposed_by} on {row.proposed_on} and {act.by} on {act.day})"
    rows[asked], taken_back = _rejected(row, why), rows[confirmed]
    rows[confirmed] = _rejected(taken_back, why)
    return taken_back


def _rejected(row: Correspondence, why: str) -> Correspondence:
    return replace(row, state="rejected", reason=why)


def current(rows: Iterable[Correspondence], code: Code) -> Correspondence | None:
    """The row that counts for a code: confirmed or open, else the newest rejected one."""
    found = [row for row in rows if code.has(row) and row.state != TO_BE_TAKEN_BACK]
    standing = [row for row in found if row.state != "rejected"]
    return (standing or found)[-1] if found else None


@contextmanager
def editing(folder: Path) -> Iterator[Rows]:
    """The rows of a municipality's map, to be changed in place; written at the end if everything is in order.

    Nothing is written when the caller raises, when any row breaks a rule, or when no font draws a target.
    """
    with _locked(folder):
        before = correspondence.load(folder)
        rows = list(before)
        yield rows
        correspondence.check(folder, rows)
        _check_targets(folder, [row for row in rows if row not in set(before)])
        if rows != list(before):
            _write(folder, rows)


def text(rows: Sequence[Correspondence]) -> str:
    """The file as it is written: CSV, UTF-8, one line a row, line feeds."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(row) for row in rows)
    return file.getvalue()


def _refuse_settled(rows: Rows, code: Code) -> None:
    found = current(rows, code)
    if found is not None and found.state == "confirmed":
        raise ReviewRefused(f"this code is confirmed as {found.target} already", Place(field=code.code))
    if found is not None and found.state in OPEN:
        raise ReviewRefused("something open stands for this code: confirm or reject it first", Place(field=code.code))


def _open(rows: Rows, code: Code, states: tuple[str, ...]) -> int:
    found = [at for at, row in enumerate(rows) if code.has(row) and row.state in states]
    if not found:
        raise ReviewRefused(f"this code has no row in state {' or '.join(states)}", Place(field=code.code))
    return found[-1]


def _row(code: Code, target: str, state: str, identified_by: str, act: Act) -> Correspondence:
    return Correspondence(
        code.vendor_system, code.charset, code.code, target, state, identified_by, act.by, act.day, "", "", act.reason
    )


def _check_targets(folder: Path, rows: Iterable[Correspondence]) -> None:
    """Refused at once rather than when the next file comes: a target must be drawn by the fonts as they are."""
    fonts = coverage(folder)
    for row in rows:
        if row.state in ("proposed", "confirmed") and text_of_target(row.target, fonts) is None:
            raise ConfigurationError(why_not_drawn(row.target), Place(MAP_FILE, field=row.code))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One editor at a time; the lock is the folder's own and goes with the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(folder: Path, rows: Sequence[Correspondence]) -> None:
    path = folder / MAP_FILE
    part = path.with_name(f"{MAP_FILE}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(text(rows))
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)

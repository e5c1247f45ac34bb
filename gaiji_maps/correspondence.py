"""The correspondence table (対照表) of a municipality: ``municipalities/<code>/gaiji_map.csv``, reviewed by people.

Only confirmed rows take part, and nobody confirms a row of their own. Finding candidates for a row is elsewhere; so
is using the table on whole columns (``transforms.characters``).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from gaiji_maps import vendor_codes
from gaiji_maps.font_coverage import GJ_NAME, MJ_NAME, FontCoverage, coverage, is_private
from gaiji_maps.standard import reach
from gaiji_maps.standard.table import table
from records.errors import ConfigurationError, Place

MAP_FILE = "gaiji_map.csv"
TO_BE_MADE = "glyph_to_be_made"
TO_BE_TAKEN_BACK = "to_be_taken_back"
STATES = ("proposed", "confirmed", "rejected", TO_BE_MADE, TO_BE_TAKEN_BACK)
# Of the municipality's own font (plane 15), or of the second standard font by its code point (GJ, plane 16).
OWN_GLYPH = re.compile(r"U\+((?:F|10)[0-9A-F]{4})\Z")


@dataclass(frozen=True, slots=True)
class Correspondence:
    """One row: a vendor's code, the standard glyph that it means, how it was identified, and who confirmed it.

    ``target`` is an MJ文字図形名 (``MJ022335``), a GJ name or a code point of plane 16 (行政事務標準文字), or a glyph of
    the municipality's own font (``U+F0001``, plane 15), and empty while that glyph is still to be made (作字待ち);
    ``code`` is ``F040`` (CP932), ``81A1`` (KEIS) or ``U+E000``. An ordinary code is mapped too where the vendor's
    font draws another glyph there, and a sequence (``U+8FBB U+E0100``) of a collection that is not ours.
    """

    vendor_system: str
    charset: str
    code: str
    target: str
    state: str
    identified_by: str
    proposed_by: str
    proposed_on: str
    confirmed_by: str
    confirmed_on: str
    reason: str

    @property
    def character(self) -> str:
        """The vendor's character as it stands in decoded text."""
        return vendor_codes.decoded(self.charset, self.code)


COLUMNS = tuple(one.name for one in fields(Correspondence))


def load(folder: Path) -> tuple[Correspondence, ...]:
    """All rows of a municipality's map, each checked; ``ConfigurationError`` names the row. No file is an empty map."""
    path = folder / MAP_FILE
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ConfigurationError(f"columns must be {','.join(COLUMNS)}", _place(folder))
        rows = tuple(_row(folder, number, row) for number, row in enumerate(reader, 1))
    _check_doubles(folder, rows)
    return rows


def lookup(charset: str, folder: Path, system: str | None = None) -> dict[str, str]:
    """Decoded character → text to put in its place, from the confirmed rows of one charset.

    ``system`` (``awa_csv``) is needed only where the map holds rows of more than one vendor system for that charset:
    their private codes collide. ``ConfigurationError`` when a target can't be drawn with the municipality's fonts.
    """
    rows = _confirmed(charset, folder, system)
    if not rows:
        return {}
    fonts = coverage(folder)
    return {row.character: _target_text(folder, number, row, fonts) for number, row in rows}


def reverse(mapping: Mapping[str, str]) -> dict[str, str]:
    """Standard text → the vendor's character, as a vendor would write it; of several codes the first."""
    found: dict[str, str] = {}
    for character, text in mapping.items():
        found.setdefault(text, character)
    return found


def check(folder: Path, rows: Sequence[Correspondence]) -> None:
    """Every rule of the file on rows that are not written yet; ``ConfigurationError`` names row and column."""
    for number, row in enumerate(rows, 1):
        for field, text in _faults(row):
            raise ConfigurationError(text, _place(folder, number, field))
    _check_doubles(folder, rows)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: blanks, width and case don't make another person."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _confirmed(charset: str, folder: Path, system: str | None) -> list[tuple[int, Correspondence]]:
    rows = [(n, row) for n, row in enumerate(load(folder), 1) if row.state == "confirmed" and row.charset == charset]
    if system is not None:
        return [(number, row) for number, row in rows if row.vendor_system == system]
    if len({row.vendor_system for _, row in rows}) > 1:
        raise ConfigurationError("rows of several vendor systems: say which", _place(folder))
    return rows


def text_of_target(target: str, fonts: FontCoverage) -> str | None:
    """The text that draws a target with these fonts; ``None`` when there is none (``why_not_drawn`` says why).

    A name without a text of its own is drawn by a twin's text only where the outline is the very same.
    """
    own = OWN_GLYPH.match(target)
    text = chr(int(own[1], 16)) if own else fonts.text_of(target)
    if text is None and MJ_NAME.match(target):
        found = reach.of_unreachable(target)
        text = found.text if found and found.way is reach.Way.SAME_OUTLINE else _of_newer_font(target, fonts)
    return text if text and fonts.covers(text) else None


def _of_newer_font(mj_name: str, fonts: FontCoverage) -> str | None:
    """The list's own text, where a second font draws what is newer than IPAmj明朝 (U+9FEE, U+9FEF)."""
    row = table().get(mj_name)
    return next((text for text in row.texts if fonts.covers(text)), None) if row else None


def why_not_drawn(target: str) -> str:
    """What to do about a target for which ``text_of_target`` has none."""
    found = None if OWN_GLYPH.match(target) else reach.of_unreachable(target)
    if found is None:
        return f"no font of this municipality draws {target}"
    twin = f"confirm its twin {found.twin}, whose outline differs, or " if found.twin else ""
    return f"no font of this municipality draws {target} by a text: {twin}have a glyph made for it"


def _target_text(folder: Path, number: int, row: Correspondence, fonts: FontCoverage) -> str:
    text = text_of_target(row.target, fonts)
    if text is None:
        raise ConfigurationError(why_not_drawn(row.target), _place(folder, number, "target"))
    return text


def _row(folder: Path, number: int, values: Mapping[str, str | None]) -> Correspondence:
    if set(values) != set(COLUMNS) or any(value is None for value in values.values()):
        raise ConfigurationError("too many or too few fields", _place(folder, number))
    row = Correspondence(**{name: str(values[name]) for name in COLUMNS})
    for field, text in _faults(row):
        raise ConfigurationError(text, _place(folder, number, field))
    return row


def _faults(row: Correspondence) -> Iterator[tuple[str, str]]:
    if row.charset not in vendor_codes.CHARSETS:
        yield "charset", f"must be one of {', '.join(vendor_codes.CHARSETS)}"
        return
    if not _is_code(row):
        yield "code", "not a code of this charset"
    yield from _target_faults(row)
    if row.state not in STATES:
        yield "state", f"must be one of {', '.join(STATES)}"
    if not (row.vendor_system and row.identified_by and row.proposed_by and _is_day(row.proposed_on)):
        yield "proposed_by", "every row says from which system, how, by whom and on which day it was proposed"
    yield from _review_faults(row)


def _target_faults(row: Correspondence) -> Iterator[tuple[str, str]]:
    if row.state == TO_BE_MADE:
        if row.target:
            yield "target", "a glyph that is still to be made has no target yet"
    elif row.state == "rejected" and not row.target:
        return
    elif not (MJ_NAME.match(row.target) or GJ_NAME.match(row.target) or OWN_GLYPH.match(row.target)):
        yield "target", "must be an MJ or GJ name, or a code point of plane 15 or 16"


def _review_faults(row: Correspondence) -> Iterator[tuple[str, str]]:
    if row.state in ("proposed", TO_BE_MADE, TO_BE_TAKEN_BACK) and (row.confirmed_by or row.confirmed_on):
        yield "confirmed_by", "a proposed row is not confirmed by anybody yet"
    if row.state == "confirmed" and not (row.confirmed_by and _is_day(row.confirmed_on)):
        yield "confirmed_by", "a confirmed row says by whom and on which day"
    if row.state == "confirmed" and same_person(row.confirmed_by, row.proposed_by):
        yield "confirmed_by", "nobody confirms their own proposal"
    if row.state in ("rejected", TO_BE_TAKEN_BACK) and not row.reason:
        yield "reason", "a rejected row, or one that is to be taken back, says why"


def _check_doubles(folder: Path, rows: Iterable[Correspondence]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for number, row in enumerate(rows, 1):
        key = (row.vendor_system, row.charset, row.code)
        if row.state == "confirmed" and key in seen:
            raise ConfigurationError("this code is confirmed twice", _place(folder, number, "code"))
        if row.state == "confirmed":
            seen.add(key)


def _is_code(row: Correspondence) -> bool:
    try:
        character = row.character
    except ValueError:
        return False
    return is_private(ord(character[0])) or character[0].isprintable()


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _place(folder: Path, number: int | None = None, field: str | None = None) -> Place:
    return Place(f"{folder.name}/{MAP_FILE}", row=number, field=field)

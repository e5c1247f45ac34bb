"""The correspondence table in Excel (対照表のExcel), because towns work in it: written, and read back with suspicion.

Every cell is text, so that ``F041`` or ``81E1`` stays what it is. Reading gives the acts that the changed cells ask
for; whether they are allowed, ``review`` says. Nothing is taken over unless all of it is in order.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation

from gaiji_maps import review, vendor_codes
from gaiji_maps.correspondence import TO_BE_MADE, Correspondence
from gaiji_maps.review import Act, Code, Rows
from records.errors import ConfigurationError, Place, UtsushiError

SHEET = "対照表"
STATES = {"未同定": "", "提案": "proposed", "確認": "confirmed", "却下": "rejected", "作字": TO_BE_MADE}
STATE_NAMES = {state: name for name, state in STATES.items()}
# Heading → width. The first eleven are the table's own, the others only help the reader.
OWN = (
    "ベンダシステム",
    "文字集合",
    "外字コード",
    "対応先",
    "状態",
    "同定方法",
    "提案者",
    "提案日",
    "確認者",
    "確認日",
    "理由",
)
HELP = ("標準文字", "読み", "影響人数", "候補（近い順）")
WIDTHS = (16, 13, 12, 13, 9, 30, 16, 12, 16, 12, 40, 10, 24, 10, 44)
TARGET, STATE, METHOD, REASON = 3, 4, 5, 10
MAY_CHANGE = frozenset({TARGET, STATE, METHOD, REASON})
LAST_LINE = 20_000
LARGEST = 20 << 20
FILL, THIN = PatternFill("solid", fgColor="EEF2F6"), Side(style="thin", color="999999")


@dataclass(frozen=True, slots=True)
class Line:
    """One code as it is shown: its row (``None`` while nobody has proposed anything) and the helping columns."""

    code: Code
    row: Correspondence | None
    character: str = ""
    readings: str = ""
    persons: int = 0
    candidates: str = ""

    def cells(self) -> tuple[str, ...]:
        """Texts in the order of the headings."""
        row = self.row
        own = (
            ("", STATE_NAMES[""], "", "", "", "", "", "")
            if row is None
            else (row.target, STATE_NAMES[row.state], row.identified_by, row.proposed_by, row.proposed_on,
                  row.confirmed_by, row.confirmed_on, row.reason)
        )  # fmt: skip
        code = self.code
        return (
            code.vendor_system,
            code.charset,
            code.code,
            *own,
            self.character,
            self.readings,
            str(self.persons),
            self.candidates,
        )


class WorkbookRefused(UtsushiError):
    """The workbook was not taken over; the text lists cells with what is wrong, never their values."""

    code = "workbook_refused"


def write(path: Path, lines: Iterable[Line], title: str) -> int:
    """One line a code into an ``.xlsx`` with a choice list for the state; returns the number of lines."""
    book = Workbook()
    sheet = book.active
    sheet.title = SHEET
    sheet.append([*OWN, *HELP])
    count = 0
    for count, line in enumerate(lines, 1):
        for column, text in enumerate(line.cells(), 1):
            _put(sheet.cell(count + 1, column), text)
    _dress(sheet, title, count + 1)
    book.properties.title, book.properties.creator = title, "Utsushi"
    book.save(path)
    return count


def take_over(path: Path, rows: Rows, lines: Sequence[Line], act: Act) -> dict[str, int]:
    """The changes of a workbook into ``rows``, as acts of one person; counts per kind of act.

    ``lines`` are what the table says now: a cell that differs is a change. ``WorkbookRefused`` lists every cell that
    can't be taken over; ``rows`` are not to be written then (``review.editing`` does not, as it is raised through it).
    """
    known = {(one.code.vendor_system, one.code.charset, one.code.code): one for one in lines}
    problems: list[str] = []
    done: dict[str, int] = {}
    for number, cells in _read(path, problems):
        line = known.pop((cells[0], cells[1], cells[2]), None)
        if line is None:
            problems.append(f"C{number}: no such code in the table, or twice in the sheet")
            continue
        try:
            for kind in _take(rows, line, cells, act):
                done[kind] = done.get(kind, 0) + 1
        except UtsushiError as error:
            problems.append(f"row {number}: {error.text}")
    if problems:
        raise WorkbookRefused("; ".join(problems), Place(path.name))
    return done


def _take(rows: Rows, line: Line, cells: tuple[str, ...], act: Act) -> Iterator[str]:
    """The acts that one line asks for, already done."""
    before = line.cells()
    changed = {at for at in range(len(OWN)) if cells[at] != before[at]}
    if not changed:
        return
    if changed - MAY_CHANGE:
        names = "、".join(OWN[at] for at in sorted(changed - MAY_CHANGE))
        raise review.ReviewRefused(f"{names} can't be changed in the sheet: who and when is written by the import")
    if line.row is not None and line.row.state == "confirmed":
        raise review.ReviewRefused("a confirmed line can't be changed")
    wanted = STATES.get(cells[STATE])
    if wanted is None:
        raise review.ReviewRefused(f"状態 must be one of {'、'.join(STATES)}")
    yield from _do(rows, line, cells, wanted, Act(act.by, act.on, cells[REASON].strip()))


def _do(rows: Rows, line: Line, cells: tuple[str, ...], wanted: str, act: Act) -> Iterator[str]:
    was = line.row.state if line.row else ""
    same_target = cells[TARGET] == (line.row.target if line.row else "")
    if was == "proposed" and wanted in ("confirmed", "rejected") and same_target:
        review.confirm(rows, line.code, act) if wanted == "confirmed" else review.reject(rows, line.code, act)
        yield wanted
    elif was == TO_BE_MADE and wanted == "rejected":
        review.reject(rows, line.code, act)
        yield wanted
    elif wanted == TO_BE_MADE and was in ("", "rejected") and not cells[TARGET]:
        review.have_made(rows, line.code, cells[METHOD] or "no standard glyph found in the sheet", act)
        yield wanted
    elif _is_proposal(was, wanted) and cells[TARGET]:
        if was == "proposed":
            review.reject(rows, line.code, Act(act.by, act.on, act.reason or "another target was entered in the sheet"))
        review.propose(rows, line.code, cells[TARGET], cells[METHOD] or "by hand, in the sheet", act)
        yield "proposed"
    else:
        raise review.ReviewRefused("these cells together are no step of the review")


def _is_proposal(was: str, wanted: str) -> bool:
    """A target was entered: with the state 提案, or with the state left as it was."""
    return was in ("", "rejected", "proposed") and wanted in ("proposed", was)


def _put(cell: Any, text: str) -> None:
    """Text, whatever it looks like: neither a number nor a formula."""
    cell.value = text or None
    if text:
        cell.data_type = "s"
    cell.number_format = "@"


def _dress(sheet: Any, title: str, last: int) -> None:
    for column, width in enumerate(WIDTHS, 1):
        sheet.column_dimensions[sheet.cell(1, column).column_letter].width = width
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True), FILL
    for line in sheet.iter_rows(min_row=1, max_row=last, max_col=len(WIDTHS)):
        for cell in line:
            cell.border = Border(THIN, THIN, THIN, THIN)
            cell.alignment = Alignment(vertical="center", wrap_text=True)
    for line in sheet.iter_rows(min_row=2, max_row=last, min_col=len(OWN) + 1, max_col=len(OWN) + 1):
        line[0].font = Font(name="IPAmjMincho", size=20)
    choice = DataValidation("list", formula1=f'"{",".join(STATES)}"', allow_blank=False)
    sheet.add_data_validation(choice)
    choice.add(f"E2:E{max(last, 2)}")
    sheet.freeze_panes, sheet.auto_filter.ref = "D2", f"A1:O{last}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToHeight = True, 0
    sheet.print_title_rows, sheet.oddHeader.center.text = "1:1", title


def _read(path: Path, problems: list[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    sheet = _opened(path)
    headings = [cell.value for cell in sheet[1]][: len(OWN)]
    if tuple(headings) != OWN:
        raise WorkbookRefused("the headings are not those of the export", Place(path.name))
    if sheet.max_row > LAST_LINE:
        raise WorkbookRefused(f"more than {LAST_LINE} lines", Place(path.name))
    for number, line in enumerate(sheet.iter_rows(min_row=2, max_col=len(OWN)), 2):
        texts = [_text(cell, problems) for cell in line]
        if None not in texts and any(texts):
            yield number, tuple(str(text) for text in texts)


def _text(cell: Any, problems: list[str]) -> str | None:
    """The text of a cell; anything else (number, date, formula, error) is a problem and ``None``."""
    if cell.value is None:
        return ""
    if cell.data_type == "f" or (isinstance(cell.value, str) and cell.value.startswith(("=", "+", "@"))):
        problems.append(f"{cell.coordinate}: a formula")
    elif not isinstance(cell.value, str) or cell.data_type not in ("s", "inlineStr"):
        problems.append(
            f"{cell.coordinate}: not text (Excel has made a number or a date of it: format the cell as text)"
        )
    elif any(not one.isprintable() for one in cell.value if one != "　"):
        problems.append(f"{cell.coordinate}: an invisible character")
    else:
        return str(cell.value)
    return None


def _opened(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST or _unpacked(path) > 10 * LARGEST:
            raise WorkbookRefused("the file is too large", Place(path.name))
        book = load_workbook(path, keep_links=False)
    except (OSError, InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise WorkbookRefused(f"not an Excel workbook ({type(error).__name__})", Place(path.name)) from None
    if SHEET not in book.sheetnames:
        raise WorkbookRefused(f"there is no sheet {SHEET}", Place(path.name))
    return book[SHEET]


def _unpacked(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(one.file_size for one in archive.infolist())


def lines_of(
    rows: Rows, waiting: Mapping[str, int], system: str, charset: str, drawn: Iterable[str] = ()
) -> list[Line]:
    """One line a code: all of the table, what waits without a row, and what the vendor's font draws.

    ``waiting`` is code → persons; ``drawn`` the codes of the font.
    """
    keys = {(row.vendor_system, row.charset, row.code) for row in rows}
    keys |= {(system, charset, code) for code in (*waiting, *drawn) if _is_code(charset, code)}
    codes = [Code(*key) for key in sorted(keys)]
    return [Line(code, review.current(rows, code), persons=waiting.get(code.code, 0)) for code in codes]


def _is_code(charset: str, code: str) -> bool:
    """What is told of a character that no vendor's code names (``U+E0102`` alone) has no line: it can't be mapped."""
    if not code:
        raise ConfigurationError(f"an empty code of {charset}")
    if " " not in code:
        return True
    try:
        vendor_codes.decoded(charset, code)
    except ValueError:
        return False
    return True

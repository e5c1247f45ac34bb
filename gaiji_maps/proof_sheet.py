"""The proof sheet (外字対照表) that a town signs: one line a character, as one HTML file and as PDF.

The vendor's glyph, the standard one, both laid over each other, further candidates, what the standard list says, how
many persons are affected, the state, and boxes for two signatures. Counts only, no person. Layout: ``forms/proof_sheet``.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import typst

from gaiji_maps.correspondence import OWN_GLYPH, Correspondence
from gaiji_maps.font_coverage import GJ_NAME
from gaiji_maps.fonts import standard_font_path
from gaiji_maps.glyph_shapes import fitted, of_target, svg_path
from gaiji_maps.identification.ranking import NOTICE
from gaiji_maps.making.outline import EM, Outline
from gaiji_maps.standard.table import hentaigana_table, table
from municipalities.site import CHECKOUT
from records.errors import CheckFailed

TEMPLATE = CHECKOUT / "forms" / "proof_sheet" / "sheet.typ"
STATES = {
    "": "未同定", "proposed": "提案中", "confirmed": "確認済", "rejected": "却下", "glyph_to_be_made": "作字待ち",
}  # fmt: skip
FURTHER = 3
READINGS = 8
VENDOR_INK, STANDARD_INK = "#c1121f", "#1d4ed8"


@dataclass(frozen=True, slots=True)
class Shape:
    """One glyph as it is shown: name (MJ文字図形名 or own glyph), SVG path, and as a candidate its rank and score."""

    name: str
    path: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line (一文字): ``overlay`` is the vendor's glyph laid on the standard one; ``facts`` label → text.

    ``persons`` is 影響人数: who waits for it, or who bears it once it is confirmed.
    """

    code: str
    state: str
    persons: int
    vendor: Shape | None
    shown: Shape | None
    overlay: str
    further: tuple[Shape, ...]
    facts: tuple[tuple[str, str], ...]
    history: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole sheet: which town and vendor system, on which day, and its lines in order of code."""

    municipality: str
    vendor_system: str
    on: date
    lines: tuple[Line, ...]
    notice: str = NOTICE


def line(
    folder: Path,
    code: str,
    row: Correspondence | None,
    persons: int,
    vendor: Outline | None,
    candidates: Sequence[tuple[str, float]],
) -> Line:
    """One line of the sheet; ``candidates`` are (MJ name, score), best first, and may be none.

    The standard glyph shown large is the row's target; without one (or after a rejection) the first candidate.
    """
    standing = row is not None and row.state != "rejected" and bool(row.target)
    name = row.target if row is not None and standing else candidates[0][0] if candidates else ""
    outline = of_target(folder, name) if name else None
    scores = {one: (rank, score) for rank, (one, score) in enumerate(candidates, 1)}
    others = [one for one, _ in candidates if one != name][:FURTHER]
    return Line(
        code=code,
        state=STATES[row.state if row else ""],
        persons=persons,
        vendor=Shape(code, svg_path(vendor)) if vendor else None,
        shown=Shape(name, svg_path(outline), _note(scores, name)) if outline else None,
        overlay=svg_path(fitted(vendor, outline)) if vendor and outline else "",
        further=tuple(shape for one in others if (shape := _further(folder, one, scores))),
        facts=tuple(_facts(name)),
        history=tuple(_history(row)),
    )


def as_html(sheet: Sheet) -> str:
    """One file without anything outside it: opens in any browser, prints on A4 landscape."""
    rows = "\n".join(_html_line(number, one) for number, one in enumerate(sheet.lines, 1))
    heads = "".join(f"<th>{name}</th>" for name in HEADS)
    return (
        f'<!doctype html>\n<html lang="ja"><meta charset="utf-8"><title>外字対照表 {_text(sheet.municipality)}</title>\n'
        f"<style>{STYLE}</style>\n<h1>外字対照表</h1>\n"
        f"<p>{_text(sheet.municipality)}　ベンダシステム {_text(sheet.vendor_system)}　作成日 {sheet.on.isoformat()}"
        f"　{len(sheet.lines)} 字<br>{LEGEND}</p>\n<p class=notice>{_text(sheet.notice)}</p>\n"
        f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>\n</html>\n"
    )


def as_pdf(sheet: Sheet) -> bytes:
    """The same on A4 landscape, to be signed on paper. The same sheet gives the same bytes."""
    data = json.dumps(asdict(sheet) | {"on": sheet.on.isoformat(), "em": EM}, ensure_ascii=False)
    made = _compiler().compile(format="pdf", sys_inputs={"data": data})
    if not isinstance(made, bytes):
        raise CheckFailed("the renderer gave no single document")
    return made


@cache
def _compiler() -> Any:
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(standard_font_path().parent)]
    )
    return typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parent), font_paths=fonts)


def _note(scores: Mapping[str, tuple[int, float]], name: str) -> str:
    if name not in scores:
        return ""
    rank, score = scores[name]
    return f"候補{rank}位　近さ {score:.2f}"


def _further(folder: Path, name: str, scores: Mapping[str, tuple[int, float]]) -> Shape | None:
    outline = of_target(folder, name)
    return Shape(name, svg_path(outline), f"{scores[name][0]}位　{scores[name][1]:.2f}") if outline else None


def _facts(name: str) -> Iterable[tuple[str, str]]:
    """What the standard list says about a name; a code point of a further font says which kind it is."""
    if OWN_GLYPH.match(name) or GJ_NAME.match(name):
        yield "字形", "自治体外字フォント" if name.startswith("U+F") else "追加の標準フォント"
        return
    row, kana = table().get(name), hentaigana_table().get(name)
    if row is not None:
        yield "UCS", " ".join(_points(one) for one in row.texts[:1]) or "なし"
        yield "読み", "・".join(row.readings[:READINGS]) or "なし"
        yield "画数・部首", f"{row.strokes or '－'}画　" + "・".join(f"康熙{number}" for number, _ in row.radicals[:2])
        yield "戸籍統一", row.family_register_number or "なし"
        yield "住基統一", f"J+{row.resident_network_code}" if row.resident_network_code else "なし"
    elif kana is not None:
        yield "変体仮名", f"字母 {kana.parent}　音価 {'・'.join(kana.readings)}"


def _history(row: Correspondence | None) -> Iterable[str]:
    if row is None:
        return
    yield f"提案 {row.proposed_by} {row.proposed_on}"
    if row.confirmed_by:
        yield f"確認 {row.confirmed_by} {row.confirmed_on}"
    if row.reason:
        yield f"理由 {row.reason}"


def _points(text: str) -> str:
    return "+".join(f"{ord(one):04X}" for one in text)


HEADS = ("番号", "外字コード", "ベンダ字形", "重ね合わせ", "標準文字", "文字情報", "他の候補", "影響人数", "状態・経過",
         "町　担当者", "確認者")  # fmt: skip
SIGN = "□同じ字<br>□違う字<br><br><br>　月　日　印"
LEGEND = (
    f'重ね合わせ：<span style="color:{STANDARD_INK}">青＝標準文字</span>　'
    f'<span style="color:{VENDOR_INK}">赤＝ベンダ字形</span>（大きさを合わせて重ねています）'
)
STYLE = """
@page { size: A4 landscape; margin: 10mm }
body { font-family: "IPAmjMincho", "IPAmj明朝", "Noto Serif CJK JP", serif; margin: 1.5em }
h1 { font-size: 1.5em; letter-spacing: .4em; text-align: center; margin: 0 }
.notice { border: 1px solid #b45309; background: #fffbeb; padding: .4em .8em; font-size: .85em }
table { border-collapse: collapse; width: 100%; font-size: .8em }
th, td { border: 1px solid #555; padding: .3em; text-align: center; vertical-align: middle }
th { background: #eef2f6; font-weight: normal }
thead { display: table-header-group } tr { break-inside: avoid }
td.left { text-align: left } svg { display: block; margin: 0 auto } .name { font-family: monospace }
.candidates { display: flex; gap: .4em; justify-content: center }
.sign { width: 4.5em; vertical-align: bottom; color: #777 } .code { font-family: monospace; font-size: 1.3em }
.none { color: #888 }
"""


def _html_line(number: int, one: Line) -> str:
    facts = "<br>".join(f"{_text(label)}　{_text(value)}" for label, value in one.facts)
    further = "".join(f"<div>{_svg(52, (shape.path, '#000'))}{_caption(shape)}</div>" for shape in one.further)
    overlay = _svg(104, (one.shown.path, STANDARD_INK), (one.overlay, VENDOR_INK)) if one.shown and one.overlay else ""
    shown = _svg(104, (one.shown.path, "#000")) + _caption(one.shown) if one.shown else ""
    history = "<br>".join(_text(part) for part in one.history)
    cells = (
        ("", str(number)), ("code", _text(one.code)),
        ("", _svg(104, (one.vendor.path, "#000")) if one.vendor else "<span class=none>字形なし</span>"),
        ("", overlay), ("", shown), ("left", facts), ("", f"<div class=candidates>{further}</div>"),
        ("", f"{one.persons:,} 人"), ("left", f"<b>{one.state}</b><br>{history}"),
        ("sign", SIGN), ("sign", SIGN),
    )  # fmt: skip
    return "<tr>" + "".join(f'<td class="{kind}">{content}</td>' for kind, content in cells) + "</tr>"


def _svg(size: int, *paths: tuple[str, str]) -> str:
    opacity = ' fill-opacity=".55"' if len(paths) > 1 else ""
    drawn = "".join(f'<path d="{path}" fill="{ink}"{opacity}/>' for path, ink in paths)
    return f'<svg width="{size}" height="{size}" viewBox="0 0 {EM} {EM}">{drawn}</svg>'


def _caption(shape: Shape) -> str:
    return f"<div class=name>{_text(shape.name)}</div><div>{_text(shape.note)}</div>"


def _text(value: str) -> str:
    return html.escape(value)

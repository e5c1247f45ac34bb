"""The same cells of a 住民票 drawn with WeasyPrint and ReportLab, in the same font: what a page costs elsewhere.

Only to compare speed: same texts, same blocks and rules, no shrinking, no check, no PDF/A.
"""

from __future__ import annotations

import io
from functools import cache
from html import escape
from typing import Any

from gaiji_maps.fonts import standard_font_path
from issuance_api.forms import PageData

LABELS = {
    "name_kana": "振り仮名", "birth": "生年月日", "name": "氏名", "sex": "性別", "relationship": "続柄",
    "other_name": "旧氏", "individual_number": "個人番号", "became_resident": "住民となった年月日",
    "address_settled": "住所を定めた年月日", "address_before_move_in": "転入前の住所", "previous_address": "異動前の住所",
    "registered_domicile": "本籍", "family_register_head": "筆頭者", "nationality": "国籍・地域",
    "article_30_45_kind": "第30条の45区分", "residence_status": "在留資格", "residence_period": "在留期間等",
    "residence_period_ends": "在留期間の満了の日", "residence_card_number": "在留カード等の番号",
}  # fmt: skip
MM = 72 / 25.4


def cells_of(person: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and value of each cell."""
    return [(label, person[key]) for key, label in LABELS.items() if key in person]


def draw_weasyprint(page: PageData) -> bytes:
    """The page by way of HTML."""
    from weasyprint import HTML

    fonts, sheet = _weasyprint()
    made: bytes = HTML(string=_html(page)).write_pdf(stylesheets=[sheet], font_config=fonts)
    return made


@cache
def _weasyprint() -> tuple[Any, Any]:
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    style = f"""
    @font-face {{ font-family: register; src: url(file://{standard_font_path()}) }}
    @page {{ size: A4; margin: 12mm 14mm }}
    body {{ font: 10pt register }} table {{ width: 100%; border-collapse: collapse; margin-bottom: 1mm }}
    td {{ border: 0.4pt solid; height: 5mm; padding: 0 1mm }}
    """
    return fonts, CSS(string=style, font_config=fonts)


def _html(page: PageData) -> str:
    values = page.values
    tables = "".join(f"<table>{_rows(person)}</table>" for person in values["people"])
    closing = "".join(f"<p>{escape(text)}</p>" for text in _closing(values))
    return f"<h1>{values['title']}</h1><p>{escape(values['address'])}</p>{tables}{closing}"


def _rows(person: dict[str, Any]) -> str:
    cells = [f"<td>{label}</td><td>{escape(value)}</td>" for label, value in cells_of(person)]
    return "".join(f"<tr>{''.join(cells[start : start + 2])}</tr>" for start in range(0, len(cells), 2))


def _closing(values: dict[str, Any]) -> list[str]:
    authority = values["authority"]
    return [
        values["certification"],
        values["issued_on"],
        f"{authority['title']}　{authority['name']}",
        values["serial"],
    ]


def draw_reportlab(page: PageData) -> bytes:
    """The page drawn cell by cell."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    font = _reportlab()
    _write(canvas, font, 90, 275, page.values["title"], 20)
    _write(canvas, font, 15, 262, page.values["address"], 11)
    for number, person in enumerate(page.values["people"]):
        _block(canvas, font, 250 - 49 * number, person)
    for number, text in enumerate(_closing(page.values)):
        _write(canvas, font, 20, 48 - 7 * number, text, 11)
    canvas.save()
    return out.getvalue()


@cache
def _reportlab() -> str:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    pdfmetrics.registerFont(TTFont("register", str(standard_font_path())))
    return "register"


def _block(canvas: Any, font: str, top: float, person: dict[str, Any]) -> None:
    for number, (label, value) in enumerate(cells_of(person)):
        left, bottom = 14 + 91 * (number % 2), top - 5 * (number // 2)
        canvas.rect(left * MM, bottom * MM, 25 * MM, 5 * MM)
        canvas.rect((left + 25) * MM, bottom * MM, 66 * MM, 5 * MM)
        _write(canvas, font, left + 1, bottom + 1.2, label, 7)
        _write(canvas, font, left + 26, bottom + 1.2, value, 10)


def _write(canvas: Any, font: str, left: float, bottom: float, text: str, size: float) -> None:
    canvas.setFont(font, size)
    canvas.drawString(left * MM, bottom * MM, text)

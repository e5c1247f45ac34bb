"""Files that people work on for ``gaiji``: Excel, proof sheets, rankings, and the glyphs that are made.

Only counts of persons reach these files. The review's rules are in ``gaiji_maps.review``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime

from command_line.gaiji import act_of, key_of
from command_line.output import Output
from gaiji_maps import correspondence, glyph_shapes, proof_sheet, review, workbook
from gaiji_maps.correspondence import Correspondence
from gaiji_maps.font_coverage import coverage
from gaiji_maps.making.outline import Outline
from gaiji_maps.proof_sheet import Line
from gaiji_maps.review import Code
from gaiji_maps.standard.table import table
from issuance_api.service_hours import JST
from municipalities.registry import Municipality, get
from records.errors import ConfigurationError, Place, UtsushiError
from services.database import database_ready

Candidates = Sequence[tuple[str, float]]


def export(options: argparse.Namespace, output: Output) -> int:
    """``gaiji export``: the table with what waits, as Excel."""
    municipality = get(options.municipality)
    ranked = _ranked(options, output, key_of(municipality, "").charset) if options.font else {}
    lines = _lines(municipality, correspondence.load(municipality.folder), ranked)
    count = workbook.write(options.xlsx, lines, f"外字対照表　{municipality.name}")
    output.rows("exported", [{"municipality": municipality.code, "file": str(options.xlsx), "lines": count}])
    return 0


def take_over(options: argparse.Namespace, output: Output) -> int:
    """``gaiji import``: the changed cells as acts of one person."""
    municipality = get(options.municipality)
    charset = key_of(municipality, "").charset
    drawn: dict[str, Candidates] = dict.fromkeys(
        glyph_shapes.vendor_codes_of(options.font, charset) if options.font else (), ()
    )
    with review.editing(municipality.folder) as rows:
        done = workbook.take_over(options.xlsx, rows, _lines(municipality, rows, drawn), act_of(options))
    output.rows("taken over", [{"municipality": municipality.code, **(done or {"changes": 0})}])
    return 0


def identify(options: argparse.Namespace, output: Output) -> int:
    """``gaiji identify``: candidates per character, and the notice that a person decides."""
    from gaiji_maps.identification.ranking import NOTICE

    municipality = get(options.municipality)
    charset = key_of(municipality, "").charset
    wanted = options.code.upper() if options.code else None
    ranked = _ranked(options, output, charset)
    if wanted is not None and wanted not in ranked:
        raise ConfigurationError("this font or set has no such character", Place(options.font.name, field=wanted))
    rows = [
        {
            "code": code,
            "rank": rank,
            "mj_name": name,
            "character": text_of(municipality, name),
            "score": round(score, 3),
        }
        for code, found in sorted(ranked.items())
        if wanted in (None, code)
        for rank, (name, score) in enumerate(found, 1)
    ]
    output.rows(f"{municipality.name} {options.font.name}", rows)
    output.say(NOTICE)
    output.say("A score never decides, least of all that no standard character exists: two persons do.")
    return 0


def proof(options: argparse.Namespace, output: Output) -> int:
    """``gaiji proof``: the sheet as ``taishohyo_<municipality>.html`` and ``.pdf``."""
    municipality = get(options.municipality)
    sheet = proof_sheet.Sheet(
        municipality.name, municipality.layout_system, _today(), tuple(_proof_lines(municipality, options, output))
    )
    options.out.mkdir(parents=True, exist_ok=True)
    stem = options.out / f"taishohyo_{municipality.code}"
    stem.with_suffix(".html").write_text(proof_sheet.as_html(sheet), "utf-8")
    stem.with_suffix(".pdf").write_bytes(proof_sheet.as_pdf(sheet))
    output.rows(
        "proof sheet",
        [{"municipality": municipality.code, "characters": len(sheet.lines), "files": f"{stem}.html, .pdf"}],
    )
    return 0


def make_glyphs(municipality: Municipality, codes: Sequence[Code], options: argparse.Namespace) -> dict[Code, str]:
    """New glyphs in the municipality's font, from the vendor's font or one SVG; code → target (``U+F0000``)."""
    from gaiji_maps.making import municipal_font

    drawn = _drawings(codes, options)
    made: dict[Code, str] = {}
    try:
        for code in codes:
            origin = f"{code.vendor_system} {code.charset} {code.code}, from {(options.svg or options.font).name}"
            made[code] = f"U+{municipal_font.add_glyph(municipality.folder, drawn[code], origin):X}"
        municipal_font.make(municipality.folder, options.font_version)
    except UtsushiError:
        for target in made.values():
            (municipality.folder / municipal_font.GLYPHS_FOLDER / f"{target}.svg").unlink()
        raise
    return made


def _drawings(codes: Sequence[Code], options: argparse.Namespace) -> dict[Code, Outline]:
    from gaiji_maps.making.outline import from_svg

    if (options.font is None) == (options.svg is None) or not codes or (options.svg and len(codes) > 1):
        raise ConfigurationError("give either --font, or --svg for one character: a glyph comes from one drawing")
    if options.svg is not None:
        return {codes[0]: from_svg(options.svg.read_text("utf-8"), Place(options.svg.name))}
    found = glyph_shapes.of_vendor(options.font, codes[0].charset)
    if missing := [code.code for code in codes if code.code not in found]:
        raise ConfigurationError("this font or set has no such character", Place(options.font.name, field=missing[0]))
    return {code: found[code.code] for code in codes}


def _proof_lines(municipality: Municipality, options: argparse.Namespace, output: Output) -> list[Line]:
    rows = correspondence.load(municipality.folder)
    charset = key_of(municipality, "").charset
    drawn = glyph_shapes.of_vendor(options.font, charset) if options.font else {}
    ranked = _ranked(options, output, charset) if options.font else {}
    waiting = _waiting(municipality)
    codes = {row.code for row in rows if row.vendor_system == municipality.layout_system} | set(drawn) | set(waiting)
    current = {code: review.current(rows, key_of(municipality, code)) for code in sorted(codes)}
    if options.open_only:
        current = {code: row for code, row in current.items() if row is None or row.state != "confirmed"}
    persons = _bearers(municipality, current) | waiting
    folder = municipality.folder
    return [
        proof_sheet.line(folder, code, row, persons.get(code, 0), drawn.get(code), ranked.get(code, ()))
        for code, row in current.items()
    ]


def _ranked(options: argparse.Namespace, output: Output, charset: str) -> dict[str, Candidates]:
    """Code as the table names it → candidates, best first."""
    from gaiji_maps.identification import vendor

    strokes, radical, reading = (getattr(options, name, None) for name in ("strokes", "radical", "reading"))
    filters = vendor.Filters(_range(strokes) if strokes else None, radical, reading)
    ranked: dict[str, Candidates] = {}
    with ExitStack() as bars:
        for one in vendor.identify(options.font, filters=filters, limit=options.top, progress=_telling(output, bars)):
            ranked[glyph_shapes.vendor_name(one.label, charset)] = [(c.mj_name, c.score) for c in one.candidates]
    return ranked


def _range(text: str) -> tuple[int, int]:
    """``12`` or ``10-14``."""
    low, _, high = text.partition("-")
    if not low.isdecimal() or (high and not high.isdecimal()):
        raise ConfigurationError("strokes are a number or from-to, such as 12 or 10-14")
    return int(low), int(high or low)


def _telling(output: Output, bars: ExitStack) -> Callable[[int, int], None]:
    """One bar after the other: the index, where it must be built, then the vendor's characters."""
    shown: dict[int, int] = {}
    advance: list[Callable[[], None]] = []

    def tell(done: int, total: int) -> None:
        if total not in shown:
            bars.close()
            shown[total] = 0
            advance[:] = [bars.enter_context(output.progress("glyphs", total))]
        for _ in range(done - shown[total]):
            advance[0]()
        shown[total] = done

    return tell


def _lines(
    municipality: Municipality, rows: Sequence[Correspondence], drawn: Mapping[str, Candidates]
) -> list[workbook.Line]:
    """The table as the workbook shows it: with the character, its readings, and how many wait or bear it.

    ``drawn`` are the codes of the vendor's font with their candidates, if they were ranked.
    """
    key = key_of(municipality, "")
    waiting = _waiting(municipality)
    lines = workbook.lines_of(list(rows), waiting, key.vendor_system, key.charset, drawn)
    persons = _bearers(municipality, {one.code.code: one.row for one in lines}) | waiting
    return [_dressed(municipality, one, persons.get(one.code.code, 0), drawn.get(one.code.code, ())) for one in lines]


def _dressed(municipality: Municipality, one: workbook.Line, persons: int, candidates: Candidates) -> workbook.Line:
    target = one.row.target if one.row else ""
    row = table().get(target)
    readings = "・".join(row.readings[:5]) if row else ""
    named = "　".join(f"{name} {text_of(municipality, name)} {score:.2f}" for name, score in candidates)
    character = text_of(municipality, target)
    return replace(one, character=character, readings=readings, persons=persons, candidates=named)


def text_of(municipality: Municipality, target: str) -> str:
    """The text that draws a target; empty when there is none."""
    return correspondence.text_of_target(target, coverage(municipality.folder)) or ""


def _waiting(municipality: Municipality) -> dict[str, int]:
    """Code → persons who wait for it."""
    from loaders.waiting import waiting

    with database_ready(municipality.code):
        return {one.code: one.persons for one in waiting(municipality.code)}


def _bearers(municipality: Municipality, rows: Mapping[str, Correspondence | None]) -> dict[str, int]:
    """Code → persons who bear the confirmed character in the register."""
    from loaders.waiting import bearers

    texts = {code: text_of(municipality, row.target) for code, row in rows.items() if row and row.state == "confirmed"}
    with database_ready(municipality.code):
        counts = bearers(municipality.code, sorted(set(filter(None, texts.values()))))
    return {code: counts.get(text, 0) for code, text in texts.items()}


def _today() -> date:
    return datetime.now(JST).date()

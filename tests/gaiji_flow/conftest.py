"""A town of its own whose vendor writes a character that nobody here has identified yet."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from command_line.__main__ import main
from extractors.sources import FolderSource
from gaiji_maps import review, vendor_codes
from gaiji_maps.font_coverage import characters, coverage
from gaiji_maps.fonts import standard_font_path
from gaiji_maps.review import Act, Code
from municipalities.registry import get
from municipalities.site import CHECKOUT, PostgresAddress, Site, write_site
from simulators.vendors.vendor import Vendor
from simulators.world import town
from sync import steps
from vendor_layouts.layout import load

TARGET = "MJ058832"  # a variant by selector that no town of the fiction uses
CODES = {"364894": "F9FC", "362999": "A0FE", "364991": "U+F8FE"}


@dataclass
class Newcomer:
    """A vendor, its town, and what it calls the character ``text`` that is not in our table."""

    code: str
    vendor_code: str
    vendor: Vendor
    text: str

    def bears(self, number: int) -> Any:
        """The ``number``-th resident gets a name with the character."""
        key = list(self.vendor.town.records["resident"])[number]
        self.vendor.town.change("resident", key, name=f"{self.text}田　花子")
        return key

    def sync(self, *, full: bool = False) -> dict[str, int]:
        """One tick of the resident feed."""
        return steps.run(self.code, "resident", full=full, source=FolderSource(self.vendor.folder / "outgoing"))

    def truth(self) -> Any:
        """The register as the vendor last wrote it."""
        return self.vendor.truth_at("resident", self.vendor.sequence["resident"])


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, postgres: Any) -> Iterator[Path]:
    """A state folder with replica databases."""
    from replica import admin

    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UTSUSHI_HOME", str(home))
        write_site(Site(PostgresAddress(postgres.host, postgres.port)))
        for code in CODES:
            admin.create_database(postgres.superuser_dsn, code)
        yield home


@pytest.fixture
def newcomer(places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Newcomer]:
    """Make one: with municipalities' folders that the test may write, and an empty replica."""
    root = tmp_path / "municipalities"
    shutil.copytree(CHECKOUT / "municipalities", root, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.setenv("UTSUSHI_MUNICIPALITIES", str(root))

    def make(code: str, size: int = 30, seed: int = 1, vendor_code: str = "") -> Newcomer:
        empty(code, places)
        municipality = get(code)
        kept = (municipality.folder / "gaiji_map.csv").read_bytes()
        called = vendor_code or CODES[code]
        _teach_vendor(code, called)
        vendor = Vendor(town.build(municipality, seed, size), tmp_path / f"vendor-{code}")
        (municipality.folder / "gaiji_map.csv").write_bytes(kept)  # we have never heard of it
        text = coverage().text_of(TARGET)
        assert text is not None
        return Newcomer(code, called, vendor, text)

    return make


def _teach_vendor(code: str, called: str) -> None:
    """The vendor's own table has the character; the simulated vendor spells by the map that it finds."""
    layout = load(get(code).layout)
    key = Code(layout.system, layout.charset, called)
    with review.editing(get(code).folder) as rows:
        review.propose(rows, key, TARGET, "the vendor's own", Act("vendor one", date(2026, 1, 1)))
        review.confirm(rows, key, Act("vendor two", date(2026, 1, 1)))


def empty(code: str, home: Path) -> None:
    """As after set-up."""
    from replica.connections import connect

    with connect(code, "owner") as connection:
        rows = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname in ('replica', 'issuance', 'staff') and tablename not like 'alembic%'"
        ).fetchall()
        connection.execute(f"truncate {', '.join(name for (name,) in rows)} cascade".encode())
    shutil.rmtree(home / "batches" / code, ignore_errors=True)


def stored(code: str) -> dict[Any, dict[str, Any]]:
    """The residents in the replica by key, with the dictionary's columns."""
    from psycopg.rows import dict_row

    from records.dictionary import columns
    from replica.connections import connect

    with connect(code, "console") as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(f"select {', '.join(columns('resident'))} from replica.resident".encode())
        return {town.key_of("resident", row): row for row in cursor}


def withheld(code: str) -> int:
    """How many persons get no certificate."""
    from replica.connections import connect

    with connect(code, "console") as connection:
        (count,) = connection.execute("select count(*) from replica.withheld").fetchone() or (0,)
    return int(count)


@pytest.fixture(autouse=True)
def running_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' server runs already; the commands must not start another."""
    for module in ("services.database", "command_line.gaiji_sheets", "command_line.gaiji_form_proof"):
        monkeypatch.setattr(f"{module}.database_ready", lambda code: nullcontext())


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[dict[str, Any]], str]]:
    """Run a ``gaiji`` command: exit code, JSON lines, everything that was said."""

    def gaiji(action: str, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
        code = main(["gaiji", action, *arguments, "--json"])
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.out + said.err

    return gaiji


@pytest.fixture
def few_glyphs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An index of some hundred glyphs: that all of them are ranked rightly is tried elsewhere."""
    from gaiji_maps.identification import index, vendor
    from gaiji_maps.standard.table import table

    names = (*table().of_base("辥"), *sorted(table())[:300])
    index.build(standard_font_path(), names, tmp_path / "index")
    monkeypatch.setattr(vendor, "standard_index", lambda progress=None: index._opened(tmp_path / "index"))


def make_font(path: Path, glyphs: Mapping[str, str]) -> Path:
    """EUDC.TTE: vendor's CP932 code → text that is drawn there; of several characters each gets an equal part.

    Drawn as the standard font does, because no other font is sure to be here.
    """
    drawn, points = {".notdef": TTGlyphPen(None).glyph()}, {}
    with TTFont(standard_font_path(), lazy=True) as source:
        shapes, em = source.getGlyphSet(), source["head"].unitsPerEm
        for code, text in glyphs.items():
            pen = TTGlyphPen(None)
            names = [_glyph_name(base, selector) for base, selector in characters(text)]
            for at, name in enumerate(names):
                shapes[name].draw(TransformPen(pen, (1 / len(names), 0, 0, 1, at * em / len(names), 0)))
            points[ord(vendor_codes.decoded("cp932-eudc", code))] = f"c{code}"
            drawn[f"c{code}"] = pen.glyph()
    builder = FontBuilder(em, isTTF=True)
    builder.setupGlyphOrder(list(drawn))
    builder.setupCharacterMap(points)
    builder.setupGlyf(drawn)
    builder.setupHorizontalMetrics(dict.fromkeys(drawn, (em, 0)))
    builder.setupHorizontalHeader(ascent=round(em * 0.88), descent=-round(em * 0.12))
    builder.setupNameTable({"familyName": "EUDC", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


def _glyph_name(base: int, selector: int | None) -> str:
    fonts = coverage()
    return fonts.characters[base] if selector is None else fonts.sequences[base, selector]

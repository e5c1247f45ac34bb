"""``./utsushi forms preview``: a form drawn for sample people, drawn again whenever one of its files is saved.

For whoever edits ``forms/`` or a municipality's own form. The people are invented, so Typst's own messages are shown.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from command_line.output import Output
from municipalities.site import CHECKOUT
from records.errors import UtsushiError

if TYPE_CHECKING:
    from issuance_api.forms import PageData
    from municipalities.registry import Municipality

SCALE = 1.3
TOWN_SIZE, SEED = 400, 7
LARGE, SAMPLES = 5, 3
KINDS = (
    "resident_record_certificate",
    "record_item_certificate",
    "seal_registration_certificate",
    "income_taxation_certificate",
)
PAGE = """<!doctype html><html lang="ja"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:14px sans-serif;background:#ddd;margin:1em}}section{{display:inline-block;vertical-align:top;margin:.5em}}
img{{display:block;background:#fff;margin:.4em 0;box-shadow:0 0 4px #888}}pre{{background:#fee;padding:1em}}</style>
<h1>{title}</h1>{body}
<script>
setInterval(async()=>{{const v=await(await fetch("/version")).text();if(v!=="{version}")location.reload()}},700)
</script>"""


@dataclass(frozen=True, slots=True)
class Sample:
    """Somebody to draw the form for: why they are interesting, and the page's data."""

    why: str
    page: PageData


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``forms``."""
    actions = parser.add_subparsers(dest="action", required=True)
    preview = actions.add_parser("preview", help="draw a form for sample people, again at every save")
    preview.add_argument("kind", choices=KINDS)
    preview.add_argument("--municipality", default="364894", help="whose form (default: 364894)")
    preview.add_argument("--port", type=int, default=0, help="port on this machine (default: a free one)")
    preview.add_argument("--once", action="store_true", help="write PNG files and end")
    preview.add_argument("--out", type=Path, default=CHECKOUT / "out", help="with --once: the folder (default: out/)")


def run(options: argparse.Namespace, output: Output) -> int:
    """Serve until Ctrl-C, or write the pictures once; exit 1 when the form can't be drawn."""
    from municipalities.registry import get

    municipality = get(options.municipality)
    if options.once:
        return _once(municipality, options.kind, options.out, output)
    _serve(municipality, options.kind, options.port, output)
    return 0


def _once(municipality: Municipality, kind: str, out: Path, output: Output) -> int:
    drawn, error = _drawn(municipality, kind, version(municipality))
    if error:
        raise UtsushiError(f"the form can't be drawn: {error}")
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, (why, pictures) in enumerate(drawn):
        for sheet, picture in enumerate(pictures, 1):
            path = out / f"preview_{municipality.code}_{kind}_{number}_{sheet}.png"
            path.write_bytes(picture)
            rows.append({"sample": why, "sheet": sheet, "file": str(path)})
    output.rows("previews", rows)
    return 0


def _serve(municipality: Municipality, kind: str, port: int, output: Output) -> None:
    import socket

    import uvicorn

    listener = socket.create_server(("127.0.0.1", port))
    output.say(f"http://127.0.0.1:{listener.getsockname()[1]} shows the form; Ctrl-C ends it")
    uvicorn.Server(uvicorn.Config(app(municipality, kind), log_level="warning")).run(sockets=[listener])


def app(municipality: Municipality, kind: str) -> Any:
    """The web page, its pictures, and the version that the page asks for."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, PlainTextResponse, Response
    from starlette.routing import Route

    async def index(request: Request) -> Response:
        now = version(municipality)
        drawn, error = await run_in_threadpool(_drawn, municipality, kind, now)
        return HTMLResponse(_html(f"{municipality.name}　{kind}", drawn, error, now))

    async def picture(request: Request) -> Response:
        drawn, _ = await run_in_threadpool(_drawn, municipality, kind, version(municipality))
        sample, sheet = request.path_params["sample"], request.path_params["sheet"]
        if sample >= len(drawn) or sheet >= len(drawn[sample][1]):
            return PlainTextResponse("", 404)
        return Response(drawn[sample][1][sheet], media_type="image/png")

    async def current(request: Request) -> Response:
        return PlainTextResponse(version(municipality))

    pictures = Route("/{sample:int}/{sheet:int}.png", picture)
    return Starlette(routes=[Route("/", index), Route("/version", current), pictures])


def _html(title: str, drawn: list[tuple[str, list[bytes]]], error: str, now: str) -> str:
    sections = [
        f"<section><h2>{escape(why)}</h2>"
        + "".join(f'<img src="/{number}/{sheet}.png?{now}" alt="">' for sheet in range(len(pictures)))
        + "</section>"
        for number, (why, pictures) in enumerate(drawn)
    ]
    body = f"<pre>{escape(error)}</pre>" if error else "".join(sections)
    return PAGE.format(title=escape(title), body=body, version=now)


def version(municipality: Municipality) -> str:
    """Changes whenever a file of the forms is saved."""
    folders = (CHECKOUT / "forms", municipality.folder)
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".typ", ".toml", ".png")]
    return str(max(path.stat().st_mtime_ns for path in files))


@lru_cache(maxsize=1)
def _drawn_for(code: str, kind: str, _version: str) -> tuple[list[tuple[str, list[bytes]]], str]:
    import typst

    from issuance_api.rendering import Renderer
    from municipalities.registry import get

    renderer = Renderer()  # a new one, which reads the templates anew
    try:
        return [(one.why, _pictures(renderer.compile(get(code), one.page))) for one in samples(get(code), kind)], ""
    except typst.TypstError as error:
        return [], "\n".join(filter(None, (error.message, *map(str, error.trace or ()))))


def _drawn(municipality: Municipality, kind: str, now: str) -> tuple[list[tuple[str, list[bytes]]], str]:
    return _drawn_for(municipality.code, kind, now)


def _pictures(pdf: bytes) -> list[bytes]:
    import pypdfium2

    from issuance_api.pdfium_lock import PDFIUM

    found = []
    with PDFIUM:
        document = pypdfium2.PdfDocument(pdf)
        for page in document:
            out = io.BytesIO()
            page.render(scale=SCALE).to_pil().save(out, "PNG")
            found.append(out.getvalue())
        document.close()
    return found


def samples(municipality: Municipality, kind: str) -> Iterator[Sample]:
    """A small household, a large one, and one with a foreign resident; for single-person forms somebody of each."""
    from issuance_api.forms import Issue, Subject, household_order, page_data
    from issuance_api.model import HOUSEHOLD_KINDS, ITEMS, Application, Kind
    from issuance_api.service_hours import JST
    from records.records import IncomeTax, Resident, SealRegistration
    from simulators.world.town import TAX_YEAR, build

    asked = Kind(kind)
    year = TAX_YEAR if asked is Kind.INCOME_TAXATION else None
    items = frozenset(ITEMS[asked]) if asked in HOUSEHOLD_KINDS else frozenset()
    application = Application(request_id="preview-0001", kind=asked, card_serial="1", items=items, fiscal_year=year)
    town = build(municipality, SEED, TOWN_SIZE)
    for number, (why, row) in enumerate(_people(town, asked.value)):
        person, key = Resident.from_row(row), row["addressee_number"]
        members = household_order(Resident.from_row(one) for one in town.members(row["household_number"]))
        seal, tax = town.records["seal"].get((key,)), town.records["tax"].get((key, TAX_YEAR))
        subject = Subject(
            person,
            members,
            seal=SealRegistration.from_row(seal) if seal else None,
            tax=IncomeTax.from_row(tax) if tax else None,
        )
        issue = Issue("preview-0001", f"2026010100000{number:03d}", datetime(2026, 1, 1, 10, tzinfo=JST))
        yield Sample(why, page_data(municipality, application, subject, issue))


def _people(town: Any, kind: str) -> Iterator[tuple[str, Any]]:
    """Why, and whose row."""
    feed = {"seal_registration_certificate": "seal", "income_taxation_certificate": "tax"}.get(kind)
    rows = town.active()
    if feed:
        keys = {key[0] for key in town.records[feed]}
        with_record = [row for row in rows if row["addressee_number"] in keys]
        yield from ((f"sample {number}", row) for number, row in enumerate(with_record[:SAMPLES], 1))
        return
    wanted = (
        ("small household", lambda row: len(town.members(row["household_number"])) == 1),
        ("large household", lambda row: len(town.members(row["household_number"])) >= LARGE),
        ("foreign resident", lambda row: row["resident_kind"] == "2"),
    )
    for why, fits in wanted:
        row = next((one for one in rows if fits(one)), None)
        if row is not None:
            yield why, row

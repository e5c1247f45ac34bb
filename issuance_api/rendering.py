"""Rendering (作成) with Typst: page data and a template in, the bytes of a PDF/A-2b out, nothing on disk.

Each worker thread keeps its own warm compiler (they aren't shared), one per form, over one set of fonts. The same data,
form and font give the same bytes. Whether the page is right is judged by ``checking``.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typst

from gaiji_maps.font_coverage import coverage, municipal_font_path, standard_font_path
from issuance_api.forms import PageData
from issuance_api.model import Kind, Versions
from issuance_api.outlines import outlines_of
from municipalities.registry import Municipality
from municipalities.site import CHECKOUT
from records.errors import CheckFailed, ConfigurationError, IssueRefused, Place

FORMS = CHECKOUT / "forms"
MAIN = FORMS / "main.typ"
STANDARD_FAMILY = "IPAmjMincho"
STANDARD = "a-2b"
BEYOND_LIMIT = re.compile(r"text_beyond_limit:([a-z0-9_]+)")


def beyond_limit(field: str) -> IssueRefused:
    """文字が記入欄を超える: even the smallest size in two lines is too long; nothing is cut."""
    refusal = IssueRefused(
        "記入欄に収まらない文字があるため、交付できません。窓口でお手続きください。", Place(field=field)
    )
    refusal.code = "text_beyond_limit"
    return refusal


@dataclass(frozen=True, slots=True)
class Form:
    """One certificate's template in one municipality, its official seal (公印) and its fonts; paths from the root."""

    root: Path
    template: str
    official_seal: str
    font_folders: tuple[Path, ...]


def form_of(municipality: Municipality, kind: Kind) -> Form:
    """The municipality's own template where it has one, else the shared one."""
    own = municipality.folder / "forms" / f"{kind.value}.typ"
    template = own if own.is_file() else FORMS / kind.value / "form.typ"
    seal = municipality.folder / "official_seal.png"
    if not seal.is_file():
        raise ConfigurationError("the official seal is missing", Place(f"{municipality.code}/official_seal.png"))
    root = Path(os.path.commonpath([FORMS, municipality.folder.resolve()]))
    return Form(root, _from_root(root, template), _from_root(root, seal), _font_folders(municipality.folder))


def _from_root(root: Path, path: Path) -> str:
    return "/" + path.resolve().relative_to(root).as_posix()


def _font_folders(folder: Path) -> tuple[Path, ...]:
    """Typst takes folders of fonts: the standard one, and the municipality's where it has a font of its own."""
    own = municipal_font_path(folder)
    return (standard_font_path().parent, *((own.parent,) if own else ()))


def refuse_missing_glyphs(municipality: Municipality, page: PageData) -> None:
    """Every character and sequence must be in a font of the form: every engine falls back in silence otherwise."""
    fonts = coverage(municipality.folder)
    for number, texts in enumerate(page.texts, 1):
        missing = next((found for text in texts for found, _ in fonts.missing(text)), None)
        if missing:
            place = Place(file=f"page {number}", field=missing)
            refusal = IssueRefused("表示できない文字があるため、交付できません。窓口でお手続きください。", place)
            refusal.code = "unmapped_character"
            raise refusal


@cache
def versions(municipality_folder: Path) -> Versions:
    """Hashes of the templates that this municipality uses and of its fonts; another byte is another version."""
    own = municipality_folder / "forms"
    templates = sorted(FORMS.rglob("*.typ")) + sorted(own.rglob("*.typ")) + [municipality_folder / "official_seal.png"]
    fonts = [standard_font_path(), *filter(None, [municipal_font_path(municipality_folder)])]
    return Versions(_hash(templates), _hash(fonts))


def warm_up(folder: Path) -> None:
    """Read what every certificate of a municipality needs: coverage and outlines of its fonts, versions."""
    coverage(folder)
    outlines_of(folder)
    versions(folder)


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class Renderer:
    """Compiles certificates; safe to call from several threads."""

    def __init__(self) -> None:
        self._local = threading.local()

    def render(self, municipality: Municipality, page: PageData) -> bytes:
        """The PDF. Raises ``IssueRefused`` (text_beyond_limit) and ``CheckFailed`` for any other trouble of Typst."""
        refuse_missing_glyphs(municipality, page)
        try:
            made = self.compile(municipality, page)
        except typst.TypstError as error:
            failure = _without_values(error)
        else:
            return made
        # Raised outside the handler: Typst's message may quote the page's data.
        raise failure

    def compile(self, municipality: Municipality, page: PageData) -> bytes:
        """The bare compile, with Typst's own errors: for ``render`` and for measuring."""
        form = form_of(municipality, page.kind)
        compiler, families = self._compiler(form)
        inputs = {"data": page.json(official_seal=form.official_seal, fonts=families), "form": form.template}
        made = compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards=[STANDARD])
        if not isinstance(made, bytes):
            raise CheckFailed("the renderer gave no single document")
        return made

    def _compiler(self, form: Form) -> tuple[Any, list[str]]:
        """This thread's compiler of the form, with the font families in the order in which they are asked."""
        compilers: dict[Form, tuple[Any, list[str]]] = self._local.__dict__.setdefault("compilers", {})
        if form not in compilers:
            fonts = _fonts(form)
            compilers[form] = (typst.Compiler(str(MAIN), root=str(form.root), font_paths=fonts), _families(fonts))
        return compilers[form]


def _fonts(form: Form) -> Any:
    folders = [str(folder) for folder in form.font_folders]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def _families(fonts: Any) -> list[str]:
    """The municipality's font comes first: its private code points win over any in the standard font."""
    families: list[str] = fonts.families()
    if STANDARD_FAMILY not in families:
        raise ConfigurationError("the renderer does not find the standard font", Place(STANDARD_FAMILY))
    return [*(one for one in families if one != STANDARD_FAMILY), STANDARD_FAMILY]


def _without_values(error: typst.TypstError) -> IssueRefused | CheckFailed:
    """Typst's message may quote the page's data, so only the field's key leaves here."""
    found = BEYOND_LIMIT.search(error.message)
    return beyond_limit(found[1]) if found else CheckFailed("the template could not be compiled with this data")

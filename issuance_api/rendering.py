"""Rendering (作成) with Typst: page data and a template in, the bytes of a PDF/A-2b out, nothing on disk.

Each worker thread keeps its own warm compiler (they aren't shared), one per form, over one set of fonts. The same data,
form and font give the same bytes. Whether the page is right is judged by ``checking``.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import typst

from gaiji_maps.font_coverage import coverage
from gaiji_maps.fonts import FormFont, form_fonts
from issuance_api.forms import PageData
from issuance_api.header_cells import with_header_cells
from issuance_api.model import Kind, Versions
from issuance_api.outlines import outlines_of
from municipalities.registry import Municipality
from municipalities.site import CHECKOUT, home
from records.errors import CheckFailed, ConfigurationError, IssueRefused, Place

FORMS = CHECKOUT / "forms"
MAIN = FORMS / "main.typ"
SEAL = "official_seal.png"
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
    fonts: tuple[FormFont, ...]


def form_of(municipality: Municipality, kind: Kind) -> Form:
    """The municipality's own template where it has one, else the shared one."""
    folder = municipality.folder.resolve()
    own = folder / "forms" / f"{kind.value}.typ"
    seal = folder / SEAL
    if not seal.is_file():
        raise ConfigurationError("the official seal is missing", Place(f"{municipality.code}/{SEAL}"))
    root, place = _root(folder)
    template = f"{place}/forms/{own.name}" if own.is_file() else f"/forms/{kind.value}/form.typ"
    return Form(root, template, f"{place}/{SEAL}", form_fonts(municipality.folder))


def _root(folder: Path) -> tuple[Path, str]:
    """The folder that Typst may read, with ``forms`` in it, and the municipality's place in there.

    A municipality outside the checkout gets a root of two links, because Typst knows one root only.
    """
    if folder.is_relative_to(CHECKOUT):
        return CHECKOUT, "/" + folder.relative_to(CHECKOUT).as_posix()
    named = hashlib.sha256(f"{CHECKOUT}\0{folder}".encode()).hexdigest()[:16]
    root = home() / "cache" / "form_roots" / named
    for name, target in (("forms", FORMS), ("municipality", folder)):
        _link(root / name, target)
    return root, "/municipality"


def _link(link: Path, target: Path) -> None:
    if link.is_symlink():
        return
    link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):  # another process made the same one meanwhile
        link.symlink_to(target, target_is_directory=True)


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


def versions(folder: Path) -> Versions:
    """Hashes of the templates that a municipality's certificates use, and of its fonts: another byte, another version."""
    forms = [FORMS / one.value for one in Kind] + [FORMS / "shared", folder / "forms"]
    templates = [MAIN, *(path for one in forms for path in sorted(one.rglob("*.typ"))), folder / SEAL]
    return Versions(_hash(templates), _hash(one.path for one in form_fonts(folder)))


def warm_up(folder: Path) -> None:
    """Read what every certificate of a municipality needs: coverage and outlines of its fonts, versions."""
    coverage(folder)
    outlines_of(folder)
    versions(folder)


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + _file_hash(path, path.stat().st_mtime_ns))
    return digest.hexdigest()


@lru_cache(maxsize=512)
def _file_hash(path: Path, _changed: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


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
        warm = self._warm(form)
        inputs = {"data": page.json(official_seal=form.official_seal, fonts=warm.families), "form": form.template}
        made = warm.compiler.compile(warm.main, format="pdf", sys_inputs=inputs, pdf_standards=[STANDARD])
        if not isinstance(made, bytes):
            raise CheckFailed("the renderer gave no single document")
        return with_header_cells(made)

    def _warm(self, form: Form) -> _Warm:
        """This thread's compiler of the form; when a font has changed, the one that read the old font is let go."""
        compilers: dict[tuple[Path, str], _Warm] = self._local.__dict__.setdefault("compilers", {})
        key = (form.root, form.template)
        if key not in compilers or compilers[key].form != form:
            compilers[key] = _warmed(form)
        return compilers[key]


class _Warm(NamedTuple):
    """A compiler, the entry as text, and the families of the form's fonts in the order in which they are asked."""

    form: Form
    compiler: Any
    main: bytes
    families: list[str]


def _warmed(form: Form) -> _Warm:
    """The entry is no path: that would be followed through the links of a root of our own, and lie outside of it."""
    fonts = _fonts(form)
    compiler = typst.Compiler(root=str(form.root), font_paths=fonts)
    return _Warm(form, compiler, MAIN.read_bytes(), _families(fonts, form))


def _fonts(form: Form) -> Any:
    """Typst takes folders of fonts; only the form's own files are named in ``_families``."""
    folders = list(dict.fromkeys(str(one.path.parent) for one in form.fonts))
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def _families(fonts: Any, form: Form) -> list[str]:
    """The family of each font in the order of asking, as the coverage has it; each must be of one file alone."""
    files: dict[str, set[str]] = {}
    for one in fonts.fonts():
        files.setdefault(one.family, set()).add(one.path)
    found: list[str] = []
    for font in form.fonts:
        family = next((name for name, paths in files.items() if str(font.path) in paths), None)
        if family is None or len(files[family]) > 1:
            raise ConfigurationError(
                "the renderer does not find this font, or another file there has its family name", Place(font.path.name)
            )
        found.append(family)
    return found


def _without_values(error: typst.TypstError) -> IssueRefused | CheckFailed:
    """Typst's message may quote the page's data, so only the field's key leaves here."""
    found = BEYOND_LIMIT.search(error.message)
    return beyond_limit(found[1]) if found else CheckFailed("the template could not be compiled with this data")

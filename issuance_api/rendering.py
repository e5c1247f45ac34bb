"""Rendering (作成): which form and fonts a municipality's certificate has, what they can draw, and a renderer.

What Typst is told stands in ``compiling``. Whether the page is right is judged by ``checking``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import typst

from gaiji_maps.font_coverage import coverage
from gaiji_maps.fonts import form_fonts
from issuance_api.compiling import MAIN, Compiler, Form, without_values
from issuance_api.forms import PageData
from issuance_api.model import Kind, Versions
from issuance_api.outlines import outlines_of
from municipalities.registry import Municipality
from municipalities.site import CHECKOUT, home
from records.errors import ConfigurationError, IssueRefused, Place

FORMS = CHECKOUT / "forms"
SEAL = "official_seal.png"


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
    """Renders certificates in this process; safe to call from several threads. A node has ``renderer.pool`` for it."""

    def __init__(self) -> None:
        self._compiler = Compiler()

    def render(self, municipality: Municipality, page: PageData) -> bytes:
        """The PDF. Raises ``IssueRefused`` (text_beyond_limit) and ``CheckFailed`` for any other trouble of Typst."""
        refuse_missing_glyphs(municipality, page)
        try:
            made = self.compile(municipality, page)
        except typst.TypstError as error:
            failure = without_values(error)
        else:
            return made
        # Raised outside the handler: Typst's message may quote the page's data.
        raise failure

    def compile(self, municipality: Municipality, page: PageData) -> bytes:
        """The bare compile, with Typst's own errors: for ``render`` and for measuring."""
        return self._compiler.compile(form_of(municipality, page.kind), page.json())

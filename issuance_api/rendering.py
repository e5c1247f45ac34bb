"""Rendering (作成) with Typst: page data and a template in, the bytes of a PDF/A-2b out, nothing on disk.

Each worker thread keeps its own warm compiler (they aren't shared), one per form, over one set of fonts. The same data,
form and font give the same bytes. Whether the page is right is judged by ``checking``.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typst

from issuance_api.forms import PageData
from issuance_api.model import Kind
from municipalities.registry import Municipality
from municipalities.site import CHECKOUT
from records.errors import CheckFailed, ConfigurationError, IssueRefused, Place

FORMS = CHECKOUT / "forms"
MAIN = FORMS / "main.typ"
FONT_FAMILY = "IPAmjMincho"
FONT_FILES = ("/usr/share/fonts/truetype/ipamj/ipamjm.ttf",)
STANDARD = "a-2b"
BEYOND_LIMIT = re.compile(r"text_beyond_limit:([a-z0-9_]+)")


def beyond_limit(field: str) -> IssueRefused:
    """文字が記入欄を超える: even the smallest size in two lines is too long; nothing is cut."""
    refusal = IssueRefused("a text does not fit its cell in the smallest size", Place(field=field))
    refusal.code = "text_beyond_limit"
    return refusal


def font_files() -> tuple[Path, ...]:
    """The register font; ``UTSUSHI_FONT`` names another place for it."""
    named = os.environ.get("UTSUSHI_FONT")
    files = tuple(Path(one) for one in ([named] if named else FONT_FILES))
    for file in files:
        if not file.is_file():
            raise ConfigurationError("the font IPAmj Mincho is not installed (fonts-ipamj-mincho)", Place(file.name))
    return files


@dataclass(frozen=True, slots=True)
class Form:
    """One certificate's template in one municipality, and where its official seal (公印) lies; paths from the root."""

    root: Path
    template: str
    official_seal: str


def form_of(municipality: Municipality, kind: Kind) -> Form:
    """The municipality's own template where it has one, else the shared one."""
    own = municipality.folder / "forms" / f"{kind.value}.typ"
    template = own if own.is_file() else FORMS / kind.value / "form.typ"
    seal = municipality.folder / "official_seal.png"
    if not seal.is_file():
        raise ConfigurationError("the official seal is missing", Place(f"{municipality.code}/official_seal.png"))
    root = Path(os.path.commonpath([FORMS, municipality.folder.resolve()]))
    return Form(root, _from_root(root, template), _from_root(root, seal))


def _from_root(root: Path, path: Path) -> str:
    return "/" + path.resolve().relative_to(root).as_posix()


class Renderer:
    """Compiles certificates; safe to call from several threads."""

    def __init__(self, fonts: Sequence[Path] | None = None) -> None:
        self._font_files = list(fonts or font_files())
        self._local = threading.local()

    def render(self, municipality: Municipality, page: PageData) -> bytes:
        """The PDF. Raises ``IssueRefused`` (text_beyond_limit) and ``CheckFailed`` for any other trouble of Typst."""
        form = form_of(municipality, page.kind)
        page.values["official_seal"] = form.official_seal
        inputs = {"data": page.json(), "form": form.template}
        try:
            made = self._compiler(form).compile(format="pdf", sys_inputs=inputs, pdf_standards=[STANDARD])
        except typst.TypstError as error:
            raise _without_values(error) from None
        if not isinstance(made, bytes):
            raise CheckFailed("the renderer gave no single document")
        return made

    def _compiler(self, form: Form) -> Any:
        compilers: dict[Form, Any] = self._local.__dict__.setdefault("compilers", {})
        if form not in compilers:
            fonts = typst.Fonts(
                include_system_fonts=False, include_embedded_fonts=False, font_paths=list(map(str, self._font_files))
            )
            compilers[form] = typst.Compiler(str(MAIN), root=str(form.root), font_paths=fonts)
        return compilers[form]


def _without_values(error: typst.TypstError) -> IssueRefused | CheckFailed:
    """Typst's message may quote the page's data, so only the field's key leaves here."""
    found = BEYOND_LIMIT.search(error.message)
    return beyond_limit(found[1]) if found else CheckFailed("the template could not be compiled with this data")

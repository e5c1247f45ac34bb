"""Compiling (組版) with Typst: a form and a page's data as JSON in, the bytes of a PDF/A-2b out, nothing on disk.

Each thread keeps its own warm compiler (they aren't shared), one per form, over one set of fonts. The same data, form
and fonts give the same bytes. Knows no record and no municipality; it runs in a renderer's process and needs little.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import typst

from gaiji_maps.fonts import FormFont
from issuance_api.header_cells import with_header_cells
from records.errors import CheckFailed, ConfigurationError, IssueRefused, Place

MAIN = Path(__file__).resolve().parent.parent / "forms" / "main.typ"
STANDARD = "a-2b"
BEYOND_LIMIT = re.compile(r"text_beyond_limit:([a-z0-9_]+)")


@dataclass(frozen=True, slots=True)
class Form:
    """One certificate's template in one municipality, its official seal (公印) and its fonts; paths from the root."""

    root: Path
    template: str
    official_seal: str
    fonts: tuple[FormFont, ...]


class Compiler:
    """Compiles forms; safe to call from several threads."""

    def __init__(self) -> None:
        self._local = threading.local()

    def compile(self, form: Form, data: str) -> bytes:
        """The PDF of a page's data (JSON), with Typst's own errors, which may quote it: see ``without_values``."""
        warm = self._warm(form)
        inputs = {"data": data, "furniture": warm.furniture, "form": form.template}
        made = warm.compiler.compile(warm.main, format="pdf", sys_inputs=inputs, pdf_standards=[STANDARD])
        if not isinstance(made, bytes):
            raise CheckFailed("the renderer gave no single document")
        return with_header_cells(made)

    def _warm(self, form: Form) -> _Warm:
        """This thread's compiler of the form; when a font has changed, the one that read the old font is let go."""
        kept = self._local.__dict__
        compilers: dict[tuple[Path, str], _Warm] = kept.setdefault("compilers", {})
        key = (form.root, form.template)
        if key not in compilers or compilers[key].form != form:
            if kept.get("fonts_of") != form.fonts:
                kept["fonts"], kept["fonts_of"] = _fonts(form), form.fonts
            compilers[key] = _warmed(form, kept["fonts"])
        return compilers[key]


class _Warm(NamedTuple):
    """A compiler, the entry as text, and what only the renderer knows: the fonts' families in the order of asking."""

    form: Form
    compiler: Any
    main: bytes
    furniture: str


def without_values(error: typst.TypstError) -> IssueRefused | CheckFailed:
    """Typst's message may quote the page's data, so only the field's key leaves here."""
    found = BEYOND_LIMIT.search(error.message)
    return beyond_limit(found[1]) if found else CheckFailed("the template could not be compiled with this data")


def beyond_limit(field: str) -> IssueRefused:
    """文字が記入欄を超える: even the smallest size in two lines is too long; nothing is cut."""
    refusal = IssueRefused(
        "記入欄に収まらない文字があるため、交付できません。窓口でお手続きください。", Place(field=field)
    )
    refusal.code = "text_beyond_limit"
    return refusal


def _warmed(form: Form, fonts: Any) -> _Warm:
    """The entry is no path: that would be followed through the links of a root of our own, and lie outside of it."""
    compiler = typst.Compiler(root=str(form.root), font_paths=fonts)
    furniture = {"fonts": _families(fonts, form), "official_seal": form.official_seal}
    return _Warm(form, compiler, MAIN.read_bytes(), json.dumps(furniture))


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

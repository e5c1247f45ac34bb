"""The fonts of a municipality's forms (帳票のフォント) in the order in which they are asked, and who draws which character.

IPAmj明朝 first, then what is configured (行政事務標準文字, the municipality's own). The same list serves coverage, the
renderer and the comparison of outlines. What a cmap says is read in ``font_coverage``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from municipalities.fonts import configured
from records.errors import ConfigurationError, Place

FONT_FILE = "ipamjm.ttf"
FONT_DIR_VARIABLE = "UTSUSHI_FONT_DIR"
SYSTEM_FONT_DIR = Path("/usr/share/fonts/truetype/ipamj")
# The private area of the first plane is the vendors': their codes collide, so no font of ours draws it.
VENDORS_PRIVATE = range(0xE000, 0xF900)
FIRST_PRIVATE_PLANE = 15


@dataclass(frozen=True, slots=True)
class FormFont:
    """One font file as it is now (``changed``: its mtime in ns) and the planes that it draws; 15 and 16 are private."""

    name: str
    path: Path
    changed: int
    planes: tuple[int, ...]

    def may_draw(self, code_point: int) -> bool:
        """Whether the font is asked for this character at all."""
        return code_point >> 16 in self.planes and code_point not in VENDORS_PRIVATE


def form_fonts(folder: Path | None = None) -> tuple[FormFont, ...]:
    """All fonts for a municipality's folder; without one, what is standard on this installation."""
    standard = _font("IPAmjMincho", standard_font_path(), tuple(range(FIRST_PRIVATE_PLANE)))
    return (standard, *(_font(one.name, one.path, one.planes) for one in configured(folder)))


def standard_font_path() -> Path:
    """Where IPAmj明朝 lies: the folder ``UTSUSHI_FONT_DIR``, or Debian's; ``ConfigurationError`` says what to do."""
    folder = os.environ.get(FONT_DIR_VARIABLE)
    path = (Path(folder) if folder else SYSTEM_FONT_DIR) / FONT_FILE
    if not path.is_file():
        raise ConfigurationError(
            f"IPAmj Mincho is not there: install Debian's fonts-ipamj-mincho, or set {FONT_DIR_VARIABLE} to its folder",
            Place(FONT_FILE),
        )
    return path


def _font(name: str, path: Path, planes: tuple[int, ...]) -> FormFont:
    try:
        return FormFont(name, path, path.stat().st_mtime_ns, planes)
    except OSError as error:
        raise ConfigurationError(f"the font {name} can't be read", Place(path.name)) from error

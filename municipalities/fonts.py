"""Fonts beside the standard one (追加フォント): which files, for which planes, said in ``site.toml`` and ``settings.toml``.

    [[fonts]]
    name = "行政事務標準文字"
    path = "/usr/local/share/fonts/gj.ttf"   # in settings.toml: from the municipality's folder
    planes = [16]

Only what is configured is said here; which characters a font reaches is ``gaiji_maps.fonts``'s business.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from municipalities.site import SITE_FILE, home
from records.errors import ConfigurationError, Place

SETTINGS_FILE = "settings.toml"
MUNICIPAL_FONT_FILE = "municipal.ttf"
OWN_PLANE = 15
PLANES = range(17)
KEYS = {"name", "path", "planes"}


@dataclass(frozen=True, slots=True)
class FontSetting:
    """One font: ``name`` for people, the file, and the Unicode planes (0-16) whose characters it may draw."""

    name: str
    path: Path
    planes: tuple[int, ...]


def configured(folder: Path | None) -> tuple[FontSetting, ...]:
    """The installation's fonts, then those of the municipality in ``folder``; the order in which they are asked.

    ``municipal.ttf`` in the folder needs no setting: it is the municipality's own font (自治体外字フォント) on plane 15.
    ``ConfigurationError`` names the file and the key that is wrong.
    """
    found = _settings(home() / SITE_FILE, home())
    if folder is None:
        return found
    found += _settings(folder / SETTINGS_FILE, folder)
    own = folder / MUNICIPAL_FONT_FILE
    if own.is_file() and all(one.path != own for one in found):
        found += (FontSetting(MUNICIPAL_FONT_FILE, own, (OWN_PLANE,)),)
    return found


def _settings(path: Path, base: Path) -> tuple[FontSetting, ...]:
    return _read(path, path.stat().st_mtime_ns, base) if path.is_file() else ()


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int, base: Path) -> tuple[FontSetting, ...]:
    with path.open("rb") as file:
        try:
            entries = tomllib.load(file).get("fonts", [])
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(str(error), Place(path.name)) from None
    if not isinstance(entries, list):
        raise ConfigurationError("fonts are written as [[fonts]]", Place(path.name, field="fonts"))
    return tuple(_setting(entry, number, path.name, base) for number, entry in enumerate(entries, 1))


def _setting(entry: Any, number: int, file: str, base: Path) -> FontSetting:
    if not isinstance(entry, dict) or set(entry) != KEYS or not all(map(bool, entry.values())):
        raise ConfigurationError("a font has name, path and planes", Place(file, row=number, field="fonts"))
    planes = entry["planes"]
    if not isinstance(planes, list) or not all(isinstance(one, int) and one in PLANES for one in planes):
        raise ConfigurationError("planes are numbers from 0 to 16", Place(file, row=number, field="fonts.planes"))
    return FontSetting(str(entry["name"]), base / str(entry["path"]), tuple(planes))

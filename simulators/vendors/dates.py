"""Vendors' codes for the wording of a date (日付コード) and half-width kana, written from the layouts' description."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

ERAS = {
    "明治": ("1", "M", 1868),
    "大正": ("2", "T", 1912),
    "昭和": ("3", "S", 1926),
    "平成": ("4", "H", 1989),
    "令和": ("5", "R", 2019),
}
WORDING = re.compile(r"(明治|大正|昭和|平成|令和)?(元|\d+)?年(\d+)?月(\d+)?日(?:不詳)?\Z")
_PLAIN = (
    "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタ"
    "チツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜　－"
)
_HALF = "｡｢｣､･ｦｧｨｩｪｫｬｭｮｯｰｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝﾞﾟ -"
_VOICED = zip("ガギグゲゴザジズゼゾダヂヅデドバビブベボヴヷヺ", "ｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎｳﾜｦ", strict=True)
_HALF_WIDTH = str.maketrans(
    {
        **dict(zip(_PLAIN, _HALF, strict=True)),
        **{full: half + "ﾞ" for full, half in _VOICED},
        **{full: half + "ﾟ" for full, half in zip("パピプペポ", "ﾊﾋﾌﾍﾎ", strict=True)},
    }
)


def half_width(kana: str) -> str:
    """ガ → ｶﾞ, full-width space → space."""
    return kana.translate(_HALF_WIDTH)


@lru_cache(maxsize=50_000)
def date_code(wording: str, style: str) -> str:
    """昭和50年2月1日 → ``S500201``, ``300500201``, ``S50-02-01`` or ``1975-02-01``; unknown parts are zeros."""
    match = WORDING.match(wording)
    if match is None:
        raise ValueError("not the wording of a date")
    year = 0 if match[2] is None else 1 if match[2] == "元" else int(match[2])
    return _STYLES[style](match[1], year, int(match[3] or 0), int(match[4] or 0))


def _era_letter(era: str | None, year: int, month: int, day: int) -> str:
    if not year:
        return "0000000"
    start = f"{ERAS[era][1]}{year:02d}" if era else f"W{year:04d}"
    return f"{start}{month:02d}{day:02d}"


def _era_digit(era: str | None, year: int, month: int, day: int) -> str:
    return f"{ERAS[era][0] if era else '0'}{year:04d}{month:02d}{day:02d}"


def _era_iso(era: str | None, year: int, month: int, day: int) -> str:
    if not year:
        return "0000-00-00"
    start = f"{ERAS[era][1]}{year:02d}" if era else f"{year:04d}"
    return f"{start}-{month:02d}-{day:02d}"


def _iso(era: str | None, year: int, month: int, day: int) -> str:
    western = ERAS[era][2] + year - 1 if era and year else year
    return f"{western:04d}-{month:02d}-{day:02d}"


_STYLES: dict[str, Callable[[str | None, int, int, int], str]] = {
    "era_letter": _era_letter,
    "era_digit": _era_digit,
    "era_iso": _era_iso,
    "iso": _iso,
}

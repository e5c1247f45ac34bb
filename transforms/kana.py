"""Half-width kana (半角カナ) into full-width, by one explicit table; ｶﾞ is joined to ガ.

This is no normalisation: only the code points of the table change, and only in kana items whose layout says
``halfwidth``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.code_points import CodePoints, Codes, build, split

HALF = "｡｢｣､･ｦｧｨｩｪｫｬｭｮｯｰｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝﾞﾟ -"
FULL = (
    "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテト"
    "ナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜　－"
)
VOICED = dict(
    zip("ウカキクケコサシスセソタチツテトハヒフヘホワヲ", "ヴガギグゲゴザジズゼゾダヂヅデドバビブベボヷヺ", strict=True)
)
SEMI_VOICED = dict(zip("ハヒフヘホ", "パピプペポ", strict=True))
VOICED_MARK, SEMI_VOICED_MARK = ord("ﾞ"), ord("ﾟ")

_SIZE = 0x10000


def to_full_width(array: pa.Array) -> pa.Array:
    """The column with full-width kana, space and hyphen; the rest as it is. A mark that joins nothing stays ゛ ゜."""
    points = split(array)
    codes = points.codes
    if not len(codes):
        return array
    inside = codes < _SIZE
    full = np.where(inside, _WIDE[np.where(inside, codes, 0)], codes)
    joined = _joined(points, full)
    marks = np.flatnonzero(joined)
    full[marks - 1] = joined[marks]
    return build(_without(CodePoints(full, points.offsets, points.valid), marks))


def to_half_width(text: str) -> str:
    """The inverse for one text, as a vendor writes it."""
    return text.translate(_NARROW)


def _joined(points: CodePoints, full: Codes) -> Codes:
    """At each mark that belongs to the kana before it in the same row: the kana with the mark; else 0."""
    result = np.zeros(len(full), dtype=np.uint32)
    for mark, table in ((VOICED_MARK, _VOICED), (SEMI_VOICED_MARK, _SEMI_VOICED)):
        at = np.flatnonzero(points.codes == mark)
        at = at[~np.isin(at, points.offsets)]
        base = full[at - 1]
        half = (points.codes[at - 1] >= 0xFF61) & (points.codes[at - 1] <= 0xFF9F)
        result[at] = np.where(half & (base < _SIZE), table[np.where(base < _SIZE, base, 0)], 0)
    return result


def _without(points: CodePoints, positions: npt.NDArray[np.int64]) -> CodePoints:
    codes = np.delete(points.codes, positions)
    return CodePoints(codes, points.offsets - np.searchsorted(positions, points.offsets), points.valid)


def _table(pairs: dict[str, str], *, same: bool) -> Codes:
    table = np.arange(_SIZE, dtype=np.uint32) if same else np.zeros(_SIZE, dtype=np.uint32)
    for key, value in pairs.items():
        table[ord(key)] = ord(value)
    return table


_WIDE = _table(dict(zip(HALF, FULL, strict=True)), same=True)
_VOICED = _table(VOICED, same=False)
_SEMI_VOICED = _table(SEMI_VOICED, same=False)
_HALF_OF = dict(zip(FULL, HALF, strict=True))
_NARROW = str.maketrans(
    _HALF_OF
    | {joined: _HALF_OF[base] + "ﾞ" for base, joined in VOICED.items()}
    | {joined: _HALF_OF[base] + "ﾟ" for base, joined in SEMI_VOICED.items()}
)

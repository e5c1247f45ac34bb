"""The columns of the data files and one row of each, as text and as Python values. No look-ups here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data"
CHARACTERS_FILE = "mj_characters.tsv.xz"
HENTAIGANA_FILE = "mj_hentaigana.tsv"
FOREIGN_FILE = "foreign_sequences.tsv"
FOLDING_FILE = "folding.tsv"
CHARACTER_COLUMNS = (
    "mj_name", "ucs", "implemented_ucs", "sequences", "standard_sequence", "family_register_number",
    "resident_network_code", "registry_number", "jis_x0213", "strokes", "radicals", "readings", "shrinks", "policy",
    "compatibility_ucs", "note",
)  # fmt: skip
HENTAIGANA_COLUMNS = ("mj_name", "ucs", "parent", "family_register_number", "academic_number", "readings", "note")
FOLDING_COLUMNS = ("character", "parent")
FOREIGN_COLUMNS = ("sequence", "identifier", "mj_name")
SHRINK_RULES: Mapping[str, str] = {
    "jis_unification": "JIS包摂規準UCS統合規則",
    "justice_notice_582_1": "法務省告示582号別表第四_一",
    "justice_notice_582_2": "法務省告示582号別表第四_二",
    "family_register_parent": "戸籍統一文字情報_親字正字",
    "civil_affairs_5202": "民二5202号通知別表_正字俗字等対照表",
    "civil_affairs_2842_unmarked": "民一2842号通達別表_誤字俗字正字一覧表_無印",
    "civil_affairs_2842_vulgar": "民一2842号通達別表_誤字俗字正字一覧表_俗字",
    "civil_affairs_2842_other": "民一2842号通達別表_誤字俗字正字一覧表_別字",
    "dictionaries": "辞書類等による関連字",
    "reading_and_shape": "読み字形による類推",
}


@dataclass(frozen=True, slots=True)
class Shrink:
    """縮退: a character of JIS X 0213 that may stand for this one where a system knows no more, and by which rule."""

    rule: str
    character: str


@dataclass(frozen=True, slots=True)
class StandardCharacter:
    """One row of the MJ文字情報一覧表 006.02, keyed by MJ文字図形名.

    ``ucs`` 対応するUCS (the base that it belongs to), ``implemented_ucs`` 実装したUCS (the code point that draws it),
    ``sequences`` 実装したMoji_JohoコレクションIVS (base and selector; mostly one), ``standard_sequence`` 実装したSVS;
    empty text where the list has none. ``resident_network_code`` 住基ネット統一文字コード is four hexadecimal digits
    and **not** Unicode. ``radicals`` are 康熙 numbers with 内画数
    (``None`` where the list has ``-``: a second radical to find it by); ``readings`` kana as the list writes them.
    """

    mj_name: str
    ucs: str
    implemented_ucs: str
    sequences: tuple[str, ...]
    standard_sequence: str
    family_register_number: str
    resident_network_code: str
    registry_number: str
    jis_x0213: str
    strokes: int | None
    radicals: tuple[tuple[int, int | None], ...]
    readings: tuple[str, ...]
    shrinks: tuple[Shrink, ...]
    policy: str
    compatibility_ucs: str
    note: str

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that the list gives for this glyph, the one to prefer first."""
        return tuple(filter(None, (self.implemented_ucs, *self.sequences, self.standard_sequence)))


@dataclass(frozen=True, slots=True)
class Hentaigana:
    """変体仮名 of MJ文字情報 002.01: ``ucs`` (empty for 13 of 299), its 字母, its sounds (音価)."""

    mj_name: str
    ucs: str
    parent: str
    family_register_number: str
    academic_number: str
    readings: tuple[str, ...]
    note: str


def character(fields: Sequence[str]) -> StandardCharacter:
    """The row of the data file as values."""
    row = dict(zip(CHARACTER_COLUMNS, fields, strict=True))
    return StandardCharacter(
        mj_name=row["mj_name"],
        ucs=text(row["ucs"]),
        implemented_ucs=text(row["implemented_ucs"]),
        sequences=tuple(map(text, row["sequences"].split())),
        standard_sequence=text(row["standard_sequence"]),
        family_register_number=row["family_register_number"],
        resident_network_code=row["resident_network_code"],
        registry_number=row["registry_number"],
        jis_x0213=row["jis_x0213"],
        strokes=int(row["strokes"]) if row["strokes"] else None,
        radicals=tuple(map(radical, row["radicals"].split())),
        readings=tuple(row["readings"].split()),
        shrinks=tuple(map(_shrink, row["shrinks"].split())),
        policy=row["policy"],
        compatibility_ucs=text(row["compatibility_ucs"]),
        note=row["note"],
    )


def hentaigana(fields: Sequence[str]) -> Hentaigana:
    """The row of the data file as values."""
    row = dict(zip(HENTAIGANA_COLUMNS, fields, strict=True))
    return Hentaigana(
        mj_name=row["mj_name"],
        ucs=text(row["ucs"]),
        parent=text(row["parent"]),
        family_register_number=row["family_register_number"],
        academic_number=row["academic_number"],
        readings=tuple(row["readings"].split()),
        note=row["note"],
    )


def hexadecimal(value: str | None) -> str:
    """Code points as ``845B_E0102``: a data file that no tool can normalise by accident."""
    return "_".join(f"{ord(one):04X}" for one in value or "")


def text(value: str) -> str:
    """The way back from ``hexadecimal``."""
    return "".join(chr(int(one, 16)) for one in value.split("_")) if value else ""


def radical(value: str) -> tuple[int, int | None]:
    """``162.12`` → (康熙部首 162, 内画数 12); ``134.-`` → (134, None)."""
    number, inner = value.split(".")
    return int(number), None if inner == "-" else int(inner)


def _shrink(value: str) -> Shrink:
    rule, ucs = value.split(":")
    return Shrink(rule, text(ucs))

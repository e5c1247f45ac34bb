"""Building rows of the truth: every column of the dictionary, exactly as the replica must hold it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from records import dictionary, wareki
from records.check_digits import individual_number_check_digit, resident_record_code_check_digit

Row = dict[str, Any]


@cache
def _empty(record: str) -> Mapping[str, None]:
    return dict.fromkeys(dictionary.columns(record))


def row(record: str, **values: Any) -> Row:
    """A row with all columns of ``record``; a ``*_on`` date is given as its three columns by ``day`` or ``worded``."""
    made: Row = {**_empty(record), **values}
    if len(made) != len(_empty(record)):
        raise KeyError(sorted(set(values) - set(_empty(record))))
    return made


def day(key: str, on: date | None, *, western: bool = False) -> Row:
    """The three columns of a known date, worded in the era of its day, or western for foreign residents."""
    if on is None:
        return worded(key, None, None, None)
    return worded(key, on, "0", wareki.western(on) if western else wareki.wareki(on))


def worded(key: str, on: date | None, certainty: str | None, text: str | None) -> Row:
    """The three columns of a date item as given."""
    return {key: on, f"{key}_certainty": certainty, f"{key.removesuffix('_on')}_text": text}


def individual_number(rng: random.Random) -> str:
    """個人番号: eleven digits and their check digit; fictional."""
    digits = f"{rng.randrange(10**11):011d}"
    return digits + individual_number_check_digit(digits)


def resident_record_code(rng: random.Random) -> str:
    """住民票コード: ten digits and a check digit; fictional."""
    digits = f"{rng.randrange(10**10):010d}"
    return digits + resident_record_code_check_digit(digits)

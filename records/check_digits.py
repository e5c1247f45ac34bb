"""Check digits (検査数字) of the numbers in the register: what can be proved wrong, and what may only be warned about.

Nothing here knows where a number came from; whether a wrong digit rejects a row is decided by the caller, within what
the docstrings allow.
"""

from __future__ import annotations

import re
from collections.abc import Callable


def individual_number_check_digit(first_eleven: str) -> str:
    """個人番号の検査用数字 for the first 11 digits. Source: 平成26年総務省令第85号第5条."""
    digits = _digits(first_eleven, 11)
    remainder = sum(digit * _weight(n) for n, digit in enumerate(reversed(digits), 1)) % 11
    return str(0 if remainder <= 1 else 11 - remainder)


def is_individual_number(number: str) -> bool:
    """個人番号: 12 ASCII digits, the last one right."""
    return _agrees(number, 12, individual_number_check_digit)


def municipality_code_check_digit(first_five: str) -> str:
    """全国地方公共団体コードの検査数字: weights 6,5,4,3,2; last digit of 11 - (sum mod 11) (総務省)."""
    total = sum(digit * weight for digit, weight in zip(_digits(first_five, 5), (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)


def is_municipality_code(code: str) -> bool:
    """全国地方公共団体コード: 6 ASCII digits, the last one right; 東みよし町 is 364894."""
    return _agrees(code, 6, municipality_code_check_digit)


def resident_record_code_check_digit(first_ten: str) -> str:
    """住民票コードの検査数字 as public examples show it: the weights of 個人番号 on 10 digits.

    The official text was not found, so a difference is a **warning** and never rejects a row.
    """
    digits = _digits(first_ten, 10)
    remainder = sum(digit * _weight(n) for n, digit in enumerate(reversed(digits), 1)) % 11
    return str(0 if remainder <= 1 else 11 - remainder)


def resident_record_code_seems_right(code: str) -> bool:
    """住民票コード: 11 digits whose last fits the public examples. ``False`` is good for a warning only."""
    return _agrees(code, 11, resident_record_code_check_digit)


def addressee_number_check_digit(body: str) -> str:
    """宛名番号の検査数字 (modulus 11, weights 2 to 7 from the right) for **new** numbers.

    Numbers that came from older systems have none, so there is on purpose no function that says one is wrong.
    """
    digits = _digits(body, len(body))
    remainder = sum(digit * (n % 6 + 2) for n, digit in enumerate(reversed(digits))) % 11
    return str(0 if remainder <= 1 else 11 - remainder)


def _weight(n: int) -> int:
    return n + 1 if n <= 6 else n - 5


def _digits(text: str, count: int) -> list[int]:
    if not re.fullmatch(r"[0-9]+", text) or len(text) != count:
        raise ValueError(f"expected {count} ASCII digits")
    return [int(one) for one in text]


def _agrees(number: str, length: int, check_digit: Callable[[str], str]) -> bool:
    if not re.fullmatch(r"[0-9]+", number) or len(number) != length:
        return False
    return check_digit(number[:-1]) == number[-1]

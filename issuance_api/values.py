"""Values in bodies (電文の値): the types of single fields, and what a text may hold. Which fields there are is ``model``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from gaiji_maps.drawable import FORBIDDEN_RANGES

RequestId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$", description="the centre's id of the request")]
Serial = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,64}$", description="利用者証明用電子証明書の発行番号")]
IssuerSha256 = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="発行認証局の公開鍵（SubjectPublicKeyInfo）のSHA-256")
]
StoreCode = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,20}$", description="店舗コード")]
PrefectureCode = Annotated[str, Field(pattern=r"^(0[1-9]|[1-3][0-9]|4[0-7])$", description="店舗の都道府県コード")]
AddresseeNumber = Annotated[str, Field(pattern=r"^[0-9]{1,15}$", description="宛名番号")]

SURROGATES_BEGIN = 0xD800  # no text in JSON or UTF-8 has them
LAST_OF_PLANE_0 = 0xFFFF


def _in_class(point: int) -> str:
    """A code point in a pattern, as every dialect of regular expressions takes it."""
    return f"\\u{point:04X}" if point <= LAST_OF_PLANE_0 else chr(point)


# What somebody writes: no control, direction, invisible or separating character. The database takes no NUL, and staff
# read these texts beside each other.
_UNWRITTEN = "".join(
    f"{_in_class(first)}-{_in_class(last)}" for first, last in FORBIDDEN_RANGES if first != SURROGATES_BEGIN
)
WRITTEN = f"^[^{_UNWRITTEN}]+$"
Text100 = Annotated[str, Field(min_length=1, max_length=100, pattern=WRITTEN)]
Text300 = Annotated[str, Field(min_length=1, max_length=300, pattern=WRITTEN)]


def _whole(value: object) -> object:
    """2026.0 is an integer to JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Copies = Annotated[int, Field(ge=1, le=20, description="部数"), BeforeValidator(_whole)]
FiscalYear = Annotated[int, Field(ge=1990, le=2200, description="年度"), BeforeValidator(_whole)]

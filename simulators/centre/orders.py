"""The centre's orders (電文) as bytes: what it asks, in the envelope of the reference interface. No network here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "urn:utsushi:wide-area:1"
REPORTS = {"printed": "PrintedReport", "aborted": "AbortedReport", "print_error": "PrintErrorReport"}

Value = str | None | Sequence[str] | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Application:
    """交付申請 as a kiosk fills it in; ``members`` None stands for 世帯全員. Either ``card`` or ``evidence``."""

    request_id: str
    kind: str
    card: str | None = None
    evidence: Mapping[str, str] | None = None
    members: tuple[str, ...] | None = None
    items: tuple[str, ...] = ()
    fiscal_year: int | None = None
    store: str | None = None
    prefecture: str | None = None
    copies: int = 1

    def elements(self) -> dict[str, Value]:
        """The order's elements, in their order."""
        return {
            "RequestId": self.request_id,
            "Kind": self.kind,
            "CardSerial": self.card,
            "Evidence": self.evidence,
            "Member": self.members,
            "Item": self.items,
            "FiscalYear": str(self.fiscal_year) if self.fiscal_year else None,
            "StoreCode": self.store,
            "PrefectureCode": self.prefecture,
            "Copies": str(self.copies) if self.copies > 1 else None,
        }


def new_exchange() -> str:
    """照会番号 of one exchange: never used twice, also not for a retry."""
    return secrets.token_hex(16)


def new_request() -> str:
    """申請番号 of a new request."""
    return secrets.token_hex(16)


def envelope(operation: str, exchange: str, elements: Mapping[str, Value]) -> bytes:
    """One order in its envelope; empty values are left out."""
    inner = "".join(_written(name, value) for name, value in {"ExchangeId": exchange, **elements}.items())
    order = f"<w:{operation}>{inner}</w:{operation}>"
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{head}<s:Envelope xmlns:s="{SOAP}" xmlns:w="{NAMESPACE}"><s:Body>{order}</s:Body></s:Envelope>'.encode()


def _written(name: str, value: Value) -> str:
    if isinstance(value, Mapping):
        return f"<w:{name}>{''.join(_written(key, one) for key, one in value.items())}</w:{name}>"
    texts = [value] if isinstance(value, str) else list(value or ())
    return "".join(f"<w:{name}>{escape(text)}</w:{name}>" for text in texts)

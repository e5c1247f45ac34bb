"""What is asked of the 戸籍 system and what it gives (戸籍への照会): types and errors, no transport."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from records.errors import IssueRefused, UtsushiError


@dataclass(frozen=True, slots=True)
class RegisterSubject:
    """The person as the 戸籍 names them: 氏名, 生年月日 as printed, 本籍, 筆頭者."""

    name: str
    birth_text: str
    registered_domicile: str
    family_register_head: str

    def digest(self) -> str:
        """SHA-256 over the four, U+001F between them: which person an answer is about, without saying who."""
        fields = (self.name, self.birth_text, self.registered_domicile, self.family_register_head)
        return hashlib.sha256("\x1f".join(fields).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Order:
    """照会: one extract for one request. ``correlation_id`` (128 random bits, hexadecimal) stands on every page.

    ``kind`` is one of the three values of ``model.KOSEKI_KINDS``; ``serial`` and ``issued_on`` are those of the issue.
    """

    request_id: str
    correlation_id: str
    kind: str
    subject: RegisterSubject
    members: Literal["whole", "person"]
    include_domicile: bool
    include_overseas_voting: bool
    issued_on: date
    serial: str


@dataclass(frozen=True, slots=True)
class Extract:
    """証明書のPDF, looked at and rewritten; in memory only. ``settled_at`` is the instant up to which it is settled."""

    pdf: bytes
    pages: int
    sha256: str
    settled_at: datetime


class KosekiUnavailable(IssueRefused):
    """The system does not answer, or is not asked because it lately did not; later may be better."""

    code = "koseki_unavailable"


class KosekiPending(IssueRefused):
    """届出処理中: an entry of this 戸籍 waits for its settlement."""

    code = "koseki_pending"


class KosekiNotFound(IssueRefused):
    """該当なし: there is no such 戸籍 or person."""

    code = "koseki_not_found"


class KosekiTimeout(IssueRefused):
    """The system did not answer within the deadline; what comes later is thrown away."""

    code = "koseki_timeout"


class KosekiMismatch(UtsushiError):
    """The answer is to another order, or about another person: nothing leaves, and it is an incident."""

    code = "koseki_mismatch"


class KosekiHostile(UtsushiError):
    """The PDF is not what an extract may be: nothing leaves, and it is an incident."""

    code = "koseki_hostile"

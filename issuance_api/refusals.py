"""Errors that the app answers with (応答する誤り): each has a stable code, an HTTP status and a text without values."""

from __future__ import annotations

from records.errors import IssueRefused, UtsushiError


class Refused(IssueRefused):
    """A rule said no; ``code`` of the instance is the rule's."""


class Conflict(IssueRefused):
    """The request id stands for something else already, or its end was reported."""

    code = "request_conflict"

    def __init__(self) -> None:
        super().__init__("この申請番号は既に使われています。")


class InProgress(IssueRefused):
    """The same request is being worked on."""

    code = "request_in_progress"

    def __init__(self) -> None:
        super().__init__("この申請は処理中です。")


class NotFound(IssueRefused):
    """No such request, or no such municipality."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("該当する申請がありません。")


class TimedOut(IssueRefused):
    """The deadline passed; everything of the request was cancelled."""

    code = "timeout"

    def __init__(self) -> None:
        super().__init__("時間内に処理が終わりませんでした。時間をおいてご利用ください。")


class Overloaded(IssueRefused):
    """Too many requests at once; nothing was accepted."""

    code = "overloaded"

    def __init__(self) -> None:
        super().__init__("ただいま混み合っています。時間をおいてご利用ください。")


class Unavailable(IssueRefused):
    """The register can't be asked."""

    code = "database_unavailable"

    def __init__(self) -> None:
        super().__init__("ただいまご利用になれません。時間をおいてご利用ください。")


class NodeOutdated(UtsushiError):
    """This node's versions are not the current ones; it issues nothing until it is brought up to date."""

    code = "node_outdated"

    def __init__(self) -> None:
        super().__init__("another version is current")


class ClockSkewed(UtsushiError):
    """This node's clock is not the database's; whether it is 23 o'clock it can't say, so it issues nothing."""

    code = "clock_skewed"

    def __init__(self) -> None:
        super().__init__("the clock is not the database's")


STATUSES = {
    Conflict.code: 409,
    InProgress.code: 409,
    "register_changed": 409,
    NotFound.code: 404,
    TimedOut.code: 504,
    Overloaded.code: 503,
    "internal": 500,
    "check_failed": 500,
    "configuration": 500,
    "database": 500,
    Unavailable.code: 503,
    NodeOutdated.code: 503,
    ClockSkewed.code: 503,
    "renderer_lost": 503,
    "koseki_mismatch": 500,
    "koseki_hostile": 500,
    "koseki_unavailable": 503,
    "koseki_timeout": 504,
}
REFUSED = 422


def refused(code: str, text: str) -> Refused:
    """A refusal by a rule: its result code and the text for the screen."""
    refusal = Refused(text)
    refusal.code = code
    return refusal


def status_of(code: str) -> int:
    """HTTP status of an error code; 422 for a refusal by a rule."""
    return STATUSES.get(code, REFUSED)

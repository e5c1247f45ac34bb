"""Logs as one JSON object a line (ログ): fixed words and codes, never anything of a person or an exception's text."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

FIELDS = ("operation", "municipality", "outcome", "milliseconds")


class JsonFormatter(logging.Formatter):
    """``at`` (UTC), ``level``, ``logger``, ``node``, ``message``, and the fields that a record carries."""

    def __init__(self, node: str) -> None:
        super().__init__()
        self._node = node

    def format(self, record: logging.LogRecord) -> str:
        """One line. Of an exception only its type: its text may quote a row."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "node": self._node,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)

"""The operations that may be asked for (業務操作), run alike whichever interface asks: errors, figures and log lines.

An interface (``app``: JSON; ``centre``: envelopes) reads a message, has it performed here, and writes the outcome down.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from issuance_api import metrics
from issuance_api.message import Message
from issuance_api.model import (
    AliveCheck,
    Application,
    Cancellation,
    CapabilityInquiry,
    Certificate,
    ChallengeDemand,
    RegistrationApplication,
    Report,
    ResultInquiry,
)
from issuance_api.nodes import Node
from issuance_api.service import IssuingService
from issuance_api.tracing import span
from records.errors import IssueRefused, UtsushiError

OK = "ok"
INTERNAL = "internal"
OUR_FAULT = "システムの都合により交付できません。"
UNKNOWN = "unknown"

log = logging.getLogger("issuance_api")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name in figures and logs, its message, what runs it, and whether it looks at a person."""

    name: str
    body: type[Message]
    run: Callable[[IssuingService, Any], Awaitable[Message | Certificate]]
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: ``value`` with ``OK``, else a stable code and the text for the screen."""

    code: str
    value: Message | Certificate | None = None
    text: str = ""


ALIVE = Operation("alive", AliveCheck, lambda service, body: service.alive())
CHALLENGE = Operation("challenge", ChallengeDemand, lambda service, body: service.challenge(body))
CAPABILITIES = Operation("capabilities", CapabilityInquiry, lambda service, body: service.capabilities(body), True)
APPLY = Operation("apply", Application, lambda service, body: service.apply(body), True)
RESULT = Operation("result", ResultInquiry, lambda service, body: service.result(body.request_id))
REPORT = Operation("report", Report, lambda service, body: service.report(body))
CANCEL = Operation("cancel", Cancellation, lambda service, body: service.cancel(body.request_id))
REGISTER = Operation("register", RegistrationApplication, lambda service, body: service.register(body))
REGISTRATION = Operation("registration", ResultInquiry, lambda service, body: service.registration(body.request_id))


async def perform(node: Node, municipality: str, operation: Operation, body: Message) -> Outcome:
    """Run one operation for a municipality; never raises but for a cancellation."""
    started = time.perf_counter()
    with metrics.in_progress.track_inprogress(), span(operation.name):
        outcome = await _outcome(node, municipality, operation, body)
    known = municipality if municipality in node.services else UNKNOWN
    note(operation.name, known, outcome.code, time.perf_counter() - started)
    return outcome


async def _outcome(node: Node, municipality: str, operation: Operation, body: Message) -> Outcome:
    try:
        service = node.service(municipality)
        if operation.personal:
            await service.count()
        return Outcome(OK, await operation.run(service, body))
    except UtsushiError as error:
        return Outcome(error.code, text=error.text if isinstance(error, IssueRefused) else OUR_FAULT)
    except Exception as error:  # last resort: neither answer nor log gets the exception's text, which may quote a row
        log.error("unexpected %s", type(error).__name__)
        return Outcome(INTERNAL, text=OUR_FAULT)


def note(operation: str, municipality: str, outcome: str, seconds: float) -> None:
    """One line and the figures of one request: codes only."""
    metrics.requests.labels(municipality, operation, outcome).inc()
    metrics.seconds.labels(operation).observe(seconds)
    facts = {
        "operation": operation,
        "municipality": municipality,
        "outcome": outcome,
        "milliseconds": round(1000 * seconds),
    }
    log.info("%s %s %s", operation, municipality, outcome, extra=facts)

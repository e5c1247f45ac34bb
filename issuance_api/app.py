"""The ASGI app (広域交付の受け口): routes, the centre's token, problem+json. One service and one pool per municipality.

No rule and no SQL here. Personal data travels in bodies only; errors answer with codes and fixed texts, and logs name
the operation, the municipality's code, the result code and the time it took.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from issuance_api import issue_record, metrics
from issuance_api.message import Message
from issuance_api.model import (
    Application,
    Cancellation,
    CapabilityInquiry,
    ChallengeDemand,
    Problem,
    RegistrationApplication,
    Report,
    ResultInquiry,
)
from issuance_api.nodes import RENDERERS, Node, Settings, open_node
from issuance_api.openapi import document
from issuance_api.refusals import status_of
from issuance_api.service import IssuingService
from issuance_api.tracing import span
from municipalities.site import secret
from records.errors import IssueRefused, UtsushiError

TOKEN = "centre.token"  # noqa: S105 - the name of the secret's file
LARGEST_BODY = 16 * 1024
PROBLEM_TYPE = "application/problem+json"
NO_STORE = {"Cache-Control": "no-store"}

__all__ = ["RENDERERS", "TOKEN", "Settings", "create_app"]

log = logging.getLogger("issuance_api")
Body = TypeVar("Body", bound=Message)
Operation = Callable[[IssuingService, Any], Awaitable[Response]]


def create_app(settings: Settings) -> Starlette:
    """The app. Its lifespan opens the pools, warms the renderer and closes both."""
    routes = [
        Route("/livez", _livez, methods=["GET"]),
        Route("/readyz", _readyz, methods=["GET"]),
        Route("/metrics", _metrics, methods=["GET"]),
        Route("/openapi.json", _openapi, methods=["GET"]),
        *(Route(path, _endpoint(body, run), methods=["POST"]) for path, (body, run) in OPERATIONS.items()),
    ]
    handlers: Mapping[Any, Any] = {HTTPException: _http_problem}
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=_lifespan)
    app.state.settings = settings
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.token = secret(TOKEN)
    secret(issue_record.KEY)  # rather now than at the first certificate
    async with open_node(app.state.settings) as node:
        app.state.node = node
        yield


async def _capabilities(service: IssuingService, body: CapabilityInquiry) -> Response:
    return _json(await service.capabilities(body))


async def _challenge(service: IssuingService, body: ChallengeDemand) -> Response:
    return _json(await service.challenge(body))


async def _apply(service: IssuingService, body: Application) -> Response:
    made = await service.apply(body)
    headers = {"Utsushi-Serial": made.serial, "Utsushi-Pages": str(made.pages), "Utsushi-Sha256": made.sha256}
    return Response(made.pdf, media_type="application/pdf", headers=NO_STORE | headers)


async def _result(service: IssuingService, body: ResultInquiry) -> Response:
    return _json(await service.result(body.request_id))


async def _report(service: IssuingService, body: Report) -> Response:
    return _json(await service.report(body))


async def _cancel(service: IssuingService, body: Cancellation) -> Response:
    return _json(await service.cancel(body.request_id))


async def _register(service: IssuingService, body: RegistrationApplication) -> Response:
    return _json(await service.register(body))


async def _registration(service: IssuingService, body: ResultInquiry) -> Response:
    return _json(await service.registration(body.request_id))


OPERATIONS: dict[str, tuple[type[Message], Operation]] = {
    "/v1/{municipality}/challenges": (ChallengeDemand, _challenge),
    "/v1/{municipality}/capabilities": (CapabilityInquiry, _capabilities),
    "/v1/{municipality}/applications": (Application, _apply),
    "/v1/{municipality}/results": (ResultInquiry, _result),
    "/v1/{municipality}/reports": (Report, _report),
    "/v1/{municipality}/cancellations": (Cancellation, _cancel),
    "/v1/{municipality}/registrations": (RegistrationApplication, _register),
    "/v1/{municipality}/registration-results": (ResultInquiry, _registration),
}


def _endpoint(body: type[Body], run: Operation) -> Callable[[Request], Awaitable[Response]]:
    """Authenticate, read the body, run, and turn our errors into problems; every operation goes through here."""

    name = run.__name__[1:]

    async def endpoint(request: Request) -> Response:
        started = time.perf_counter()
        _authenticate(request)
        code, node = str(request.path_params["municipality"]), request.app.state.node
        with metrics.in_progress.track_inprogress(), span(name):
            response, outcome = await _answer(node, code, run, request, body)
        _note(name, code if code in node.services else "unknown", outcome, time.perf_counter() - started)
        return response

    return endpoint


async def _answer(node: Node, code: str, run: Operation, request: Request, body: type[Body]) -> tuple[Response, str]:
    try:
        return await run(node.service(code), await _body(request, body)), "ok"
    except UtsushiError as error:
        return _problem(status_of(error.code), error.code, _public_text(error)), error.code
    except HTTPException:
        raise
    except Exception as error:
        return _unexpected(error), "internal"


def _note(operation: str, municipality: str, outcome: str, seconds: float) -> None:
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


def _authenticate(request: Request) -> None:
    """The centre's bearer token, compared in constant time (mutual TLS stands before this)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), request.app.state.token.encode()):
        raise HTTPException(401)


async def _body(request: Request, kind: type[Body]) -> Body:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > LARGEST_BODY:
            raise HTTPException(413)
    try:
        return kind.model_validate_json(bytes(raw))
    except ValidationError:
        raise HTTPException(400) from None


def _public_text(error: UtsushiError) -> str:
    """Texts of refusals are for the screen; of our own failures only that they happened."""
    return error.text if isinstance(error, IssueRefused) else "システムの都合により交付できません。"


def _json(message: Message) -> Response:
    return Response(message.model_dump_json(), media_type="application/json", headers=NO_STORE)


def _problem(status: int, code: str, detail: str) -> Response:
    problem = Problem(title=code.replace("_", " "), status=status, code=code, detail=detail)
    return Response(problem.model_dump_json(), status, media_type=PROBLEM_TYPE, headers=NO_STORE)


HTTP_PROBLEMS = {
    400: ("bad_request", "the body does not have the form of this operation"),
    401: ("unauthorised", "a valid bearer token is needed"),
    404: ("not_found", "there is no such operation"),
    405: ("method_not_allowed", "this method is not offered here"),
    413: ("too_large", "the body is too large"),
}


async def _http_problem(request: Request, error: HTTPException) -> Response:
    code, detail = HTTP_PROBLEMS.get(error.status_code, ("http_error", "the request could not be handled"))
    return _problem(error.status_code, code, detail)


def _unexpected(error: Exception) -> Response:
    """Last resort: neither the answer nor the log gets the exception's text, which may quote a row."""
    log.error("unexpected %s", type(error).__name__)
    return _problem(500, "internal", "システムの都合により交付できません。")


async def _livez(request: Request) -> Response:
    return JSONResponse({"alive": True})


async def _readyz(request: Request) -> Response:
    """Ready when every municipality can be served; the codes of those that can't are named."""
    node: Node = request.app.state.node
    missing = await node.unavailable()
    ready = {"ready": not missing, "unavailable": missing, "always_open": node.settings.always_open}
    return JSONResponse(ready, 200 if not missing else 503)


async def _metrics(request: Request) -> Response:
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)


async def _openapi(request: Request) -> Response:
    return JSONResponse(document())

"""The ASGI app (広域交付の受け口): routes, the centre's token, problem+json. One service and one pool per municipality.

No rule and no SQL here; what is asked is performed by ``operations``. Personal data travels in bodies only; errors
answer with codes and fixed texts.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from issuance_api import issue_record, metrics, operations
from issuance_api.message import Message
from issuance_api.model import Problem
from issuance_api.nodes import RENDERERS, Node, Settings, open_node
from issuance_api.openapi import document
from issuance_api.operations import Operation, Outcome, perform
from issuance_api.refusals import status_of
from municipalities.site import secret

TOKEN = "centre.token"  # noqa: S105 - the name of the secret's file
LARGEST_BODY = 16 * 1024
PROBLEM_TYPE = "application/problem+json"
NO_STORE = {"Cache-Control": "no-store"}

__all__ = ["RENDERERS", "TOKEN", "Settings", "create_app"]

Body = TypeVar("Body", bound=Message)


def create_app(settings: Settings) -> Starlette:
    """The app. Its lifespan opens the pools, warms the renderer and closes both."""
    routes = [
        Route("/livez", _livez, methods=["GET"]),
        Route("/readyz", _readyz, methods=["GET"]),
        Route("/metrics", _metrics, methods=["GET"]),
        Route("/openapi.json", _openapi, methods=["GET"]),
        *(Route(path, _endpoint(operation), methods=["POST"]) for path, operation in OPERATIONS.items()),
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


OPERATIONS: dict[str, Operation] = {
    "/v1/{municipality}/challenges": operations.CHALLENGE,
    "/v1/{municipality}/capabilities": operations.CAPABILITIES,
    "/v1/{municipality}/applications": operations.APPLY,
    "/v1/{municipality}/results": operations.RESULT,
    "/v1/{municipality}/reports": operations.REPORT,
    "/v1/{municipality}/cancellations": operations.CANCEL,
    "/v1/{municipality}/registrations": operations.REGISTER,
    "/v1/{municipality}/registration-results": operations.REGISTRATION,
}


def _endpoint(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    """Authenticate, read the body, run, and turn our errors into problems; every operation goes through here."""

    async def endpoint(request: Request) -> Response:
        _authenticate(request)
        body = await _body(request, operation.body)
        return _answer(await perform(request.app.state.node, request.path_params["municipality"], operation, body))

    return endpoint


def _answer(outcome: Outcome) -> Response:
    value = outcome.value
    if value is None:
        return _problem(status_of(outcome.code), outcome.code, outcome.text)
    if isinstance(value, Message):
        return Response(value.model_dump_json(), media_type="application/json", headers=NO_STORE)
    headers = {"Utsushi-Serial": value.serial, "Utsushi-Pages": str(value.pages), "Utsushi-Sha256": value.sha256}
    return Response(value.pdf, media_type="application/pdf", headers=NO_STORE | headers)


def _authenticate(request: Request) -> None:
    """The centre's bearer token, compared in constant time (mutual TLS stands before this)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), request.app.state.token.encode()):
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})


async def _body(request: Request, kind: type[Body]) -> Body:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415)
    raw = bytearray()
    try:
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > LARGEST_BODY:
                raise HTTPException(413)
    except ClientDisconnect:  # nothing was asked, and nobody reads this
        raise HTTPException(400) from None
    try:
        return kind.model_validate_json(bytes(raw), strict=True)  # a number is no text, a text no number
    except ValidationError:
        raise HTTPException(400) from None


def _problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    problem = Problem(title=code.replace("_", " "), status=status, code=code, detail=detail)
    return Response(problem.model_dump_json(), status, media_type=PROBLEM_TYPE, headers=NO_STORE | dict(headers or {}))


HTTP_PROBLEMS = {
    400: ("bad_request", "the body does not have the form of this operation"),
    401: ("unauthorised", "a valid bearer token is needed"),
    404: ("not_found", "there is no such operation"),
    405: ("method_not_allowed", "this method is not offered here"),
    413: ("too_large", "the body is too large"),
    415: ("unsupported_media_type", "a body is application/json"),
}


async def _http_problem(request: Request, error: HTTPException) -> Response:
    code, detail = HTTP_PROBLEMS.get(error.status_code, ("http_error", "the request could not be handled"))
    metrics.requests.labels("unknown", "none", code).inc()  # wrong tokens, above all
    return _problem(error.status_code, code, detail, error.headers)


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

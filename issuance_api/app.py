"""The ASGI app (広域交付の受け口): routes, the centre's token, problem+json. One service and one pool per municipality.

No rule and no SQL here. Personal data travels in bodies only; errors answer with codes and fixed texts, and logs name
the operation, the municipality's code, the result code and the time it took.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from issuance_api import issue_record
from issuance_api.making import KosekiSystem
from issuance_api.model import (
    Application,
    Cancellation,
    CapabilityInquiry,
    Message,
    Problem,
    RegistrationApplication,
    Report,
    ResultInquiry,
)
from issuance_api.openapi import document
from issuance_api.refusals import NotFound, status_of
from issuance_api.rendering import Renderer
from issuance_api.repository import Repository, open_repository
from issuance_api.service import IssuingService, Workshop
from issuance_api.service_hours import Clock, system_clock
from municipalities.registry import Municipality
from municipalities.site import secret
from records.errors import ConfigurationError, UtsushiError

TOKEN = "centre.token"  # noqa: S105 - the name of the secret's file
LARGEST_BODY = 16 * 1024
RENDER_THREADS = 2
PROBLEM_TYPE = "application/problem+json"
NO_STORE = {"Cache-Control": "no-store"}

log = logging.getLogger("issuance_api")
Body = TypeVar("Body", bound=Message)
Operation = Callable[[IssuingService, Any], Awaitable[Response]]
OpenRepository = Callable[[Municipality], Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """What one process is made of; tests pass their own clock."""

    municipalities: tuple[Municipality, ...]
    clock: Clock = system_clock
    render_threads: int = RENDER_THREADS
    deadline_seconds: float = 30.0
    always_open: bool = False  # for demonstrations: no service hours
    koseki: Mapping[str, KosekiSystem] = field(default_factory=dict)  # by municipality code
    node: str = field(default_factory=lambda: secrets.token_hex(8))  # this process, in the rows that it works on


def create_app(settings: Settings) -> Starlette:
    """The app. Its lifespan opens the pools, warms the renderer and closes both."""
    routes = [
        Route("/livez", _livez, methods=["GET"]),
        Route("/readyz", _readyz, methods=["GET"]),
        Route("/openapi.json", _openapi, methods=["GET"]),
        *(Route(path, _endpoint(body, run), methods=["POST"]) for path, (body, run) in OPERATIONS.items()),
    ]
    handlers: Mapping[Any, Any] = {HTTPException: _http_problem}
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=_lifespan)
    app.state.settings = settings
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    app.state.token = secret(TOKEN)
    secret(issue_record.KEY)  # rather now than at the first certificate
    async with AsyncExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(settings.render_threads, "render"))
        workshop = Workshop(
            Renderer(), executor, settings.clock, settings.deadline_seconds, settings.always_open, settings.koseki
        )
        app.state.services = {}
        for one in settings.municipalities:
            try:
                repository: Repository = await stack.enter_async_context(open_repository(one, settings.node))
            except ConfigurationError as error:  # one town's trouble is not the others'
                log.error("municipality %s is not served: %s", one.code, error)
                continue
            service = IssuingService(one, repository, workshop)
            await service.warm()
            app.state.services[one.code] = service
        yield


async def _capabilities(service: IssuingService, body: CapabilityInquiry) -> Response:
    return _json(await service.capabilities(body.card_serial))


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

    async def endpoint(request: Request) -> Response:
        started = time.perf_counter()
        _authenticate(request)
        code = str(request.path_params["municipality"])
        try:
            response = await run(_service(request, code), await _body(request, body))
            outcome = "ok"
        except UtsushiError as error:
            response, outcome = _problem(status_of(error.code), error.code, _public_text(error)), error.code
        except HTTPException:
            raise
        except Exception as error:
            response, outcome = _unexpected(error), "internal"
        log.info("%s %s %s %.0f ms", run.__name__[1:], code, outcome, 1000 * (time.perf_counter() - started))
        return response

    return endpoint


def _authenticate(request: Request) -> None:
    """The centre's bearer token, compared in constant time (mutual TLS stands before this)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.encode(), request.app.state.token.encode()):
        raise HTTPException(401)


def _service(request: Request, code: str) -> IssuingService:
    services: dict[str, IssuingService] = request.app.state.services
    if code not in services:
        raise NotFound
    return services[code]


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
    return error.text if status_of(error.code) not in (500, 503) else "システムの都合により交付できません。"


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
    """Ready when every municipality's database answers; the codes of those that do not are named."""
    services: dict[str, IssuingService] = request.app.state.services
    configured = [one.code for one in request.app.state.settings.municipalities]
    missing = [code for code in configured if code not in services or not await services[code].repository.answers()]
    ready = {"ready": not missing, "unavailable": missing, "always_open": request.app.state.settings.always_open}
    return JSONResponse(ready, 200 if not missing else 503)


async def _openapi(request: Request) -> Response:
    return JSONResponse(document())

"""The OpenAPI 3.1 document of the domain operations, made from the types in ``model``."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from issuance_api import model
from issuance_api.message import Message

REFERENCES = "#/components/schemas/{model}"
OPERATIONS: dict[str, tuple[str, type[Message], type[Message] | None]] = {
    "challenges": (
        "乱数の請求: what the card signs, where this site verifies certificates itself",
        model.ChallengeDemand,
        model.ChallengeResult,
    ),
    "capabilities": (
        "利用可否の照会: what the holder of a card may have now",
        model.CapabilityInquiry,
        model.Capabilities,
    ),
    "applications": (
        "交付申請: the certificate as PDF; the same request again gives the same bytes",
        model.Application,
        None,
    ),
    "results": ("結果照会: the state of a request", model.ResultInquiry, model.Result),
    "reports": ("印刷結果の通知: printed, aborted, or a print error", model.Report, model.Result),
    "cancellations": ("取消: give up a request, whatever it has come to", model.Cancellation, model.Result),
    "registrations": (
        "利用登録申請 of a person whose 本籍 is here and who lives elsewhere",
        model.RegistrationApplication,
        model.RegistrationResult,
    ),
    "registration-results": ("利用登録の状態", model.ResultInquiry, model.RegistrationResult),
}
PROBLEMS = {
    "400": "the body does not have the form of this operation",
    "401": "no valid bearer token",
    "404": "unknown municipality or request",
    "405": "this method is not offered here",
    "409": "the request id stands for something else, or is being worked on",
    "413": "the body is too large",
    "415": "the body is not said to be application/json",
    "422": "refused by a rule: code and text for the screen",
    "500": "a failure of this system; nothing was issued",
    "503": "the register is not available",
    "504": "the deadline passed; the whole request was cancelled",
}


@cache
def document() -> dict[str, Any]:
    """The document; callers must not change it."""
    kinds = [one for _, body, answer in OPERATIONS.values() for one in (body, answer) if one] + [model.Problem]
    unique = list(dict.fromkeys(kinds))
    _, schemas = models_json_schema([(one, "validation") for one in unique], ref_template=REFERENCES)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Utsushi issuing",
            "version": "1",
            "description": "Domain operations of the certificate centre.",
        },
        "paths": {f"/v1/{{municipality}}/{name}": {"post": _operation(name)} for name in OPERATIONS},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"centre": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"centre": []}],
    }


def _operation(name: str) -> dict[str, Any]:
    summary, body, answer = OPERATIONS[name]
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [_municipality()],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _reference(body)}}},
        "responses": {"200": _success(answer), **{status: _problem(text) for status, text in PROBLEMS.items()}},
    }


def _municipality() -> dict[str, Any]:
    schema = {"type": "string", "pattern": "^[0-9]{6}$"}
    return {
        "name": "municipality",
        "in": "path",
        "required": True,
        "schema": schema,
        "description": "全国地方公共団体コード",
    }


def _success(answer: type[Message] | None) -> dict[str, Any]:
    if answer is not None:
        return {"description": "done", "content": {"application/json": {"schema": _reference(answer)}}}
    headers = {
        "Utsushi-Serial": {"schema": {"type": "string"}, "description": "発行番号"},
        "Utsushi-Pages": {"schema": {"type": "string"}, "description": "number of sheets"},
        "Utsushi-Sha256": {"schema": {"type": "string"}, "description": "hash of the bytes"},
    }
    return {"description": "the certificate", "headers": headers, "content": {"application/pdf": {}}}


def _problem(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/problem+json": {"schema": _reference(model.Problem)}}}


def _reference(kind: type[Message]) -> dict[str, str]:
    return {"$ref": REFERENCES.format(model=kind.__name__)}

"""Every operation driven from the published document, with data that fit it and data that do not, and walks over them.

The app stands on a real socket and a real town. Schemathesis makes the data and judges the answers: statuses, content
types, headers and bodies as documented, wrong data refused, the token demanded, methods that are not offered.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from itertools import count
from typing import Any, ClassVar

import pytest
import schemathesis
from fictional_people import CODE, FATHER, MOTHER
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, rule, run_state_machine_as_test
from issuing_town import CARD, MOTHERS_CARD, NOW, change, fill
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from served import served
from storm import Koseki

from issuance_api.app import Settings, create_app
from issuance_api.model import Kind
from issuance_api.openapi import document
from municipalities.registry import get

# A rule's refusal (422) answers data that fit; what does not fit never comes as far as a rule. 404 is what a path that
# names no municipality is answered with, 409 a request id that stands for something else.
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"mode": "all"},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["200", "404", "409", "422"]},
            "negative_data_rejection": {"expected-statuses": ["400", "401", "404", "405", "413", "415"]},
        },
    }
)
interface = schemathesis.openapi.from_dict(document(), config=CONFIG)
MISSHAPEN = {400, 401, 405, 413, 415}
PATHS = sorted(document()["paths"])
SEAL = {"kind": Kind.SEAL_REGISTRATION.value}
NO_TOKEN = ("", "Bearer", "Bearer wrong", "Basic abc", "Bearer \u00e9", "bearer  ", "Digest x")


@pytest.fixture(scope="module")
def running(issuing_site: str) -> Iterator[dict[str, Any]]:
    """Where the app listens, and the centre's token: what a call needs."""
    fill(NOW)
    change("truncate staff.registration cascade")
    with served(create_app(Settings((get(CODE),), clock=lambda: NOW, koseki={CODE: Koseki()}))) as url:
        yield {"base_url": url, "headers": {"Authorization": f"Bearer {issuing_site}"}}


@pytest.mark.clause("2(2)①", "4")
@interface.parametrize()
def test_every_operation_keeps_to_the_document(case: schemathesis.Case, running: dict[str, Any]) -> None:
    aim(case)
    response = case.call_and_validate(**running)
    if in_town(case) and fits(case, ParameterLocation.BODY) is False:
        assert response.status_code in MISSHAPEN


def aim(case: schemathesis.Case) -> None:
    """Data that fit are sent to the town, with cards, members and requests that it knows."""
    if fits(case, ParameterLocation.PATH):
        case.path_parameters["municipality"] = CODE
    if not fits(case, ParameterLocation.BODY):
        return
    body, chance = case.body, zlib.crc32(repr(case.body).encode())
    if body.get("card_serial"):
        body["card_serial"] = (CARD, MOTHERS_CARD, body["card_serial"])[chance % 3]
    if body.get("members"):
        body["members"] = [one.addressee_number for one in (FATHER, MOTHER)][: chance % 2 + 1]
    if "request_id" in body:
        body["request_id"] = f"request-{chance % 60}"
    if "registered_domicile" in body:
        body["registered_domicile"] = "徳島県三好郡東みよし町" + body["registered_domicile"][:200]


def fits(case: schemathesis.Case, part: ParameterLocation) -> bool | None:
    """Whether this part of the request is as documented; None where nothing was made up for it."""
    assert case.meta is not None
    return case.meta.components[part].mode.is_positive if part in case.meta.components else None


def in_town(case: schemathesis.Case) -> bool:
    return case.path_parameters.get("municipality") == CODE


@pytest.mark.parametrize("path", PATHS)
def test_nobody_without_the_token_learns_or_does_anything(path: str, running: dict[str, Any]) -> None:
    operation = interface[path]["POST"]
    for header in NO_TOKEN:
        case = operation.Case(path_parameters={"municipality": CODE}, body={}, media_type="application/json")
        response = case.call(base_url=running["base_url"], headers={"Authorization": header})
        assert (response.status_code, response.json()["code"]) == (401, "unauthorised")
        assert response.headers["www-authenticate"] == ["Bearer"]


class Walk(RuleBasedStateMachine):
    """Requests of a centre in any order, beside a model of what each must have come to."""

    running: ClassVar[dict[str, Any]]
    names: ClassVar[Iterator[int]] = count()
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[str, str] = {}
        self.bytes: dict[str, bytes] = {}

    def call(self, operation: str, **body: Any) -> Any:
        """One operation; the answer is judged by the document."""
        case = interface[f"/v1/{{municipality}}/{operation}"]["POST"].Case(
            path_parameters={"municipality": CODE}, body=body, media_type="application/json"
        )
        return case.call_and_validate(**self.running)

    def apply(self, name: str, **more: Any) -> Any:
        return self.call("applications", request_id=name, card_serial=CARD, **(SEAL | more))

    @rule(target=requests)
    def a_new_application(self) -> str:
        name = f"walk-{next(self.names):06d}"
        response = self.apply(name)
        assert response.status_code == 200
        self.state[name], self.bytes[name] = "sent", response.content
        return name

    @rule(name=requests)
    def again(self, name: str) -> None:
        response = self.apply(name)
        if self.state[name] == "sent":
            assert response.content == self.bytes[name]
        else:
            assert (response.status_code, response.json()["code"]) == (409, "request_conflict")

    @rule(
        name=requests, more=st.sampled_from([{"card_serial": MOTHERS_CARD}, {"store_code": "9"}, {"card_serial": "X"}])
    )
    def the_id_for_something_else(self, name: str, more: dict[str, str]) -> None:
        response = self.call("applications", **({"request_id": name, "card_serial": CARD} | SEAL | more))
        assert (response.status_code, response.json()["code"]) == (409, "request_conflict")

    @rule(name=requests)
    def result(self, name: str) -> None:
        found = self.call("results", request_id=name).json()
        digest = hashlib.sha256(self.bytes[name]).hexdigest()
        assert (found["state"], found["pdf_sha256"]) == (self.state[name], digest)

    @rule(name=requests, outcome=st.sampled_from(["printed", "aborted"]))
    def report(self, name: str, outcome: str) -> None:
        expected = outcome if self.state[name] == "sent" else self.state[name]
        response = self.call("reports", request_id=name, outcome=outcome)
        assert response.status_code == (200 if expected == outcome else 409)
        self.state[name] = expected

    @rule(name=requests)
    def print_error(self, name: str) -> None:
        response = self.call("reports", request_id=name, outcome="print_error", error_code="E-1")
        assert response.json()["state"] == self.state[name]

    @rule(name=requests)
    def cancel(self, name: str) -> None:
        response = self.call("cancellations", request_id=name)
        if self.state[name] == "printed":
            assert response.status_code == 409
        else:
            assert response.json()["state"] == "aborted"
            self.state[name] = "aborted"

    @rule(name=consumes(requests))
    def what_nobody_asked_for_is_unknown(self, name: str) -> None:
        for operation, more in (("results", {}), ("cancellations", {}), ("reports", {"outcome": "printed"})):
            assert self.call(operation, request_id=f"{name}-no", **more).status_code == 404


@pytest.mark.clause("2(2)①", "4")
def test_walks_over_application_result_report_and_cancellation(running: dict[str, Any]) -> None:
    fill(NOW)
    Walk.running = running
    run_state_machine_as_test(Walk, settings=settings(max_examples=15, stateful_step_count=12))

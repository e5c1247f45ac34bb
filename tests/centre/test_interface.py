"""Schemas, code and document of the interface say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree

from issuance_api.centre import endpoint
from issuance_api.centre.answer import answer, fault
from issuance_api.centre.envelope import DEEPEST, LARGEST_BYTES, MESSAGES, MOST_ELEMENTS, Order
from issuance_api.centre.settings import CLIENT_KEYS, KEYS
from issuance_api.centre.transport import Limits
from issuance_api.document import document as rules
from issuance_api.eligibility import RULES
from issuance_api.jpki.results import TEXTS
from issuance_api.model import AliveCheck, Message
from issuance_api.operations import Outcome
from issuance_api.refusals import STATUSES
from municipalities.site import CHECKOUT
from simulators.centre import answers, orders

FOLDER = CHECKOUT / "issuance_api" / "centre"
DOCUMENT = (CHECKOUT / "docs" / "wide_area_interface.md").read_text("utf-8")
XS = "{http://www.w3.org/2001/XMLSchema}"


def elements(schema: str) -> set[str]:
    root = etree.parse(FOLDER / schema).getroot()
    return {one.attrib["name"] for one in root.findall(f"{XS}element")}


@pytest.mark.clause("2(2)①", "4")
def test_each_order_has_its_message_operation_answer_and_line() -> None:
    assert set(MESSAGES) == set(endpoint.OPERATIONS) == elements("wide_area.xsd")
    assert {f"{one}Answer" for one in MESSAGES} == elements("wide_area_answers.xsd")
    for name, message in MESSAGES.items():
        assert issubclass(message, Message)
        assert endpoint.OPERATIONS[name].body is message
        assert f"`{name}`" in DOCUMENT


def test_each_fault_stands_in_the_document_with_its_status() -> None:
    source = (FOLDER / "envelope.py").read_text("utf-8")
    raised = [line for line in source.splitlines() if "BadEnvelope(" in line]
    found = set(re.findall(r'"(\w+)"', "\n".join(raised)))
    assert {"schema", "content", "too_deep", "too_many_elements"} <= found
    for code in found | set(endpoint.STATUSES):
        line = next(line for line in DOCUMENT.splitlines() if line.startswith("| `") and f"`{code}`" in line)
        assert str(endpoint.STATUSES.get(code, endpoint.BAD_ENVELOPE)) in line


def test_limits_and_settings_stand_in_the_document() -> None:
    limits = Limits()
    for value in (limits.handshake_seconds, limits.head_seconds, limits.idle_seconds, limits.body_seconds):
        assert f"| {value:.0f} s" in DOCUMENT
    assert f"| {limits.stalled_seconds:.0f} s, {limits.answer_seconds:.0f} s in all" in DOCUMENT
    assert f"{limits.connections_of_client}, {limits.connections}" in DOCUMENT
    assert f"{LARGEST_BYTES // 1024} KiB" in DOCUMENT
    assert f"more than {DEEPEST} levels, more than {MOST_ELEMENTS} elements" in DOCUMENT
    for key in KEYS | CLIENT_KEYS:
        assert re.search(rf"\b{key}\b", DOCUMENT), key


def test_every_result_code_can_be_said_in_an_answer() -> None:
    """A refusal whose code or text the schema does not have could not be understood."""
    texts = {one.code: one.text for one in RULES} | TEXTS | dict.fromkeys(STATUSES, "不可")
    order = Order("AliveCheck", orders.new_exchange(), AliveCheck())
    for code, text in texts.items():
        raw = answer(order, "364894", Outcome(code, text=text))
        with pytest.raises(answers.Refused) as refusal:
            answers.read(raw, 200, answers.Expected("AliveCheck", order.exchange, "364894", None))
        assert (refusal.value.code, refusal.value.text) == (code, text)
    assert len(texts) > 20
    assert "kind_unknown" in rules()


def test_a_text_with_markup_stays_a_text() -> None:
    order = Order("AliveCheck", orders.new_exchange(), AliveCheck())
    raw = answer(order, "364894", Outcome("internal", text="<a>&b;</a>辻\U000e0100"))
    with pytest.raises(answers.Refused) as refusal:
        answers.read(raw, 200, answers.Expected("AliveCheck", order.exchange, "364894", None))
    assert refusal.value.text == "<a>&b;</a>辻\U000e0100"


def test_the_simulated_centre_shares_no_code_with_the_interface() -> None:
    for path in (CHECKOUT / "simulators" / "centre").glob("*.py"):
        assert not re.search(r"^\s*(from|import) issuance_api", path.read_text("utf-8"), re.M), path.name
    assert Path(answers.SCHEMA).parent == FOLDER  # the published schema, as data


@pytest.mark.parametrize("ours", [True, False])
def test_a_fault_is_read_as_one(ours: bool) -> None:
    with pytest.raises(answers.Fault) as caught:
        answers.read(fault("schema", ours=ours), 400, answers.Expected("Cancel", "x" * 16, "364894", "request-1"))
    assert (caught.value.code, caught.value.status) == ("schema", 400)

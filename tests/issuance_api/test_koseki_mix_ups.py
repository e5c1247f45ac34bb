"""A 戸籍 system that mixes people up, behind the whole service: nothing is sent, staff learn of it, the next request works."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from issuance_api.app import Settings, create_app
from municipalities.registry import get
from replica.incidents import incidents

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "koseki"))

from issuing_town import CARD, CODE, NOW, fill, owner, states, text_of
from koseki_site import Running, koseki_system

pytestmark = pytest.mark.clause("1(2)", "3(1)⑤")

ALL, INDIVIDUAL = "family_register_all_certificate", "family_register_individual_certificate"
MIXED_UP = {
    "other_person": "koseki_mismatch",
    "relative_under_the_name": "koseki_mismatch",
    "former_version": "koseki_mismatch",
    "old_settlement": "koseki_mismatch",
    "foreign_middle": "koseki_mismatch",
    "html": "koseki_hostile",
    "script": "koseki_hostile",
    "picture_over_text": "koseki_hostile",
}
QUIET = {"busy": "koseki_unavailable", "half": "koseki_unavailable", "pending": "koseki_pending"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with koseki_system(tmp_path_factory.mktemp("koseki")) as one:
        yield one


@pytest.fixture
def centre(issuing_site: str, running: Running) -> Iterator[TestClient]:
    fill(NOW)
    running.system.trouble = "none"
    settings = Settings((get(CODE),), clock=lambda: NOW, deadline_seconds=20, koseki={CODE: running.client()})
    headers = {"Authorization": f"Bearer {issuing_site}"}
    with TestClient(create_app(settings), headers=headers, raise_server_exceptions=False) as client:
        yield client
    running.system.trouble = "none"


def apply(centre: TestClient, request_id: str, kind: str) -> tuple[int, str]:
    """Status and result code, or the text of the certificate."""
    body = {"request_id": request_id, "kind": kind, "card_serial": CARD}
    answer = centre.post(f"/v1/{CODE}/applications", json=body)
    return answer.status_code, text_of(answer.content) if answer.is_success else answer.json()["code"]


def opened(request_id: str) -> list[str]:
    return [one.kind for one in incidents(CODE) if one.request_id == request_id]


@pytest.mark.parametrize(("trouble", "code"), sorted({**MIXED_UP, **QUIET}.items()))
def test_a_mix_up_sends_nothing_and_is_an_incident_and_the_next_request_works(
    centre: TestClient, running: Running, trouble: str, code: str
) -> None:
    kind, bad, good = INDIVIDUAL if trouble.startswith("relative") else ALL, f"bad-{trouble}", f"good-{trouble}"
    running.system.trouble = trouble
    status, said = apply(centre, bad, kind)
    assert (status >= 400, said) == (True, code)
    assert "sent" not in states(bad)
    assert opened(bad) == ([code] if trouble in MIXED_UP else [])
    running.system.trouble = "none"
    status, text = apply(centre, good, kind)
    assert (status, "【名】辰之助" in text, states(good)[-1], opened(good)) == (200, True, "sent", [])


def test_a_retry_gives_the_same_bytes_though_the_register_was_read_again(centre: TestClient, running: Running) -> None:
    body = {"request_id": "again-0001", "kind": ALL, "card_serial": CARD}
    first, second = (centre.post(f"/v1/{CODE}/applications", json=body) for _ in range(2))
    assert (first.status_code, first.content) == (200, second.content)


def test_each_issue_has_a_correlation_id_of_its_own_on_every_page(centre: TestClient) -> None:
    texts = [apply(centre, f"own-000{number}", ALL)[1] for number in range(2)]
    with owner() as connection:
        rows = connection.execute("select correlation_id from issuance.request where request_id like 'own-%'")
        found = {row[0] for row in rows}
    assert len(found) == 2
    for correlation in found:
        assert sorted(text.count(correlation) for text in texts) == [0, texts[0].count("発行番号")]

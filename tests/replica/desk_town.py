"""A replica with three fictional residents for the desk's tests: two of one 戸籍, one of another."""

from __future__ import annotations

from replica.connections import connect

CODE = "364894"
FIRST, SECOND, THIRD = "000000000000101", "000000000000102", "000000000000103"
DOMICILE, HEAD = "徳島県三好郡東みよし町昼間3673番地1", "見本　太郎"
OTHER_DOMICILE, OTHER_HEAD = "徳島県三好郡東みよし町加茂3360番地", "見本　次郎"
PEOPLE = (
    (FIRST, "1", DOMICILE, HEAD),
    (SECOND, "1", DOMICILE, HEAD),
    (THIRD, "3", OTHER_DOMICILE, OTHER_HEAD),  # moved out
)
KEYS = ("addressee_number", "resident_status", "registered_domicile", "family_register_head")
REST = {
    "household_number": "1", "resident_kind": "1", "name": "見本　花子", "birth_on_certainty": "0",
    "birth_text": "令和元年5月1日", "sex": "2", "relationship_codes": "02", "relationship_text": "世帯主",
    "householder_name": "見本　花子", "address_prefecture": "徳島県", "address_municipality": "三好郡東みよし町",
    "change_reason": "12", "changed_on_certainty": "0", "changed_text": "令和2年4月1日", "support_measure": "0",
    "issuance_stop": "0", "applied_sequence": 1, "applied_row": 1, "content_hash": b"x",
}  # fmt: skip
TABLES = (
    "replica.resident", "replica.feed_state", "staff.card", "staff.card_history", "staff.issuance_hold",
    "staff.registration", "issuance.request", "issuance.issue_log", "issuance.incident",
)  # fmt: skip


def fill() -> None:
    """Empty the tables, enter the residents."""
    with connect(CODE, "owner") as owner:
        owner.execute(("truncate " + ", ".join(TABLES) + " restart identity cascade").encode())
        for person in PEOPLE:
            row = REST | dict(zip(KEYS, person, strict=True))
            names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
            owner.execute(f"insert into replica.resident ({names}) values ({marks})".encode(), list(row.values()))


def request(request_id: str = "request-0001", *, state: str = "accepted") -> None:
    """A request as the issuer accepted it, taken as far as ``state`` by the owner."""
    with connect(CODE, "issuer") as issuer:
        issuer.execute(
            "insert into issuance.request (request_id, content_sha256, kind, options, state)"
            " values (%s, 'h', 'resident_record_certificate', '{}', 'accepted')",
            (request_id,),
        )
        for step in ("eligible", "rendered", "checked", "sent"):
            if state == "accepted":
                break
            issuer.execute(
                "update issuance.request set state = %s, pdf_sha256 = 'p', subjects = array['x'] where request_id = %s",
                (step, request_id),
            )
            if step == state:
                break

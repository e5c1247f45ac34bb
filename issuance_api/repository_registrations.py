"""Usage registrations (利用登録申請) as citizens enter them; staff decide elsewhere (``replica.registrations``)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from issuance_api.jpki.certificates import Medium
from issuance_api.model import RegistrationApplication, RegistrationResult
from issuance_api.refusals import Conflict, NotFound, refused
from issuance_api.repository import Repository

APPLY = """
insert into staff.registration
    (request_id, content_sha256, card_serial, issuer_sha256, medium, name, name_kana, birth_on, address, registered_domicile,
     family_register_head, channel, state, applied_at)
select %(request_id)s, %(content_sha256)s, %(card_serial)s, %(issuer)s, %(medium)s, %(name)s, %(name_kana)s,
    %(birth_on)s::date, %(address)s, %(registered_domicile)s, %(family_register_head)s, %(channel)s, 'applied',
    %(at)s::timestamptz
where not exists (
    select from staff.registration r
    where r.card_serial = %(card_serial)s and r.state in ('applied', 'approved')
      and (r.issuer_sha256 is null) <> (%(issuer)s::text is null)
)
on conflict do nothing
"""
FIND = "select content_sha256, state, usable_from from staff.registration where request_id = %(request_id)s"
TEXTS = {
    "applied": "申請を受け付けました。審査が終わるまでお待ちください。",
    "approved": "利用登録が承認されました。",
    "rejected": "利用登録の申請は承認されませんでした。本籍地の市区町村にお問い合わせください。",
    "stopped": "利用登録は停止されています。本籍地の市区町村にお問い合わせください。",
}
ALREADY = "このカードでは既に申請されています。"


class Registrations:
    """Usage registrations of one municipality."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def apply(self, application: RegistrationApplication, medium: Medium, at: datetime) -> RegistrationResult:
        """Note an application; the same again is answered alike, another with the same id is refused.

        A serial that is registered without its issuer may be this certificate's: it is registered already.
        """
        content, issuer = application.content_sha256(), application.card_issuer_sha256
        values = application.model_dump() | {"content_sha256": content, "issuer": issuer, "medium": medium, "at": at}
        async with self._repository.connection("staff.registration") as connection:
            await connection.execute(APPLY, values)
            row = await (await connection.execute(FIND, {"request_id": application.request_id})).fetchone()
        if row is None:
            raise refused("already_registered", ALREADY)
        if row["content_sha256"] != content:
            raise Conflict
        return _result(application.request_id, row)

    async def result(self, request_id: str) -> RegistrationResult:
        """The state of an application; ``NotFound`` for an unknown id."""
        async with self._repository.connection("staff.registration") as connection:
            row = await (await connection.execute(FIND, {"request_id": request_id})).fetchone()
        if row is None:
            raise NotFound
        return _result(request_id, row)


def _result(request_id: str, row: dict[str, Any]) -> RegistrationResult:
    state = row["state"]
    return RegistrationResult(request_id=request_id, state=state, usable_from=row["usable_from"], text=TEXTS[state])

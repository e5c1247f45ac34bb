"""Making a certificate (証明書の作成) for a request that the rules allow: drawn from the replica, or fetched from 戸籍.

Both give ``Made``: bytes in memory that were read back and found to be this subject's. Nothing here decides whether a
certificate may be made, and nothing marks it as sent.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Protocol

from issuance_api import issue_record
from issuance_api.checking import check
from issuance_api.facts import Facts
from issuance_api.forms import Issue, PageData, Subject, household_order, page_data
from issuance_api.koseki.order import Extract, Order, RegisterSubject
from issuance_api.model import Application, Certificate, Kind, OptionalItem
from issuance_api.renderer.pool import RendererPool
from issuance_api.rendering import refuse_missing_glyphs, versions
from issuance_api.repository import Made, RequestRow
from issuance_api.service_hours import JST, Clock
from municipalities.registry import Municipality
from records.errors import CheckFailed, IssueRefused
from records.wareki import wareki


class KosekiSystem(Protocol):
    """戸籍システム as the issuing needs it."""

    async def fetch(self, order: Order, deadline_seconds: float) -> Extract:
        """The extract of exactly this order, looked at page by page."""
        ...


class Drawing:
    """From the replica: page data, a renderer, and the check before sending in a thread of the node."""

    def __init__(self, municipality: Municipality, renderers: RendererPool, executor: Executor, clock: Clock) -> None:
        self._municipality = municipality
        self._renderers = renderers
        self._executor = executor
        self._clock = clock

    async def make(self, application: Application, facts: Facts, row: RequestRow) -> Made:
        """Render and check; the bytes are handed to nobody but the caller."""
        issue = Issue(row.request_id, row.serial, row.accepted_at)
        page = page_data(self._municipality, application, subject_of(facts), issue)
        refuse_missing_glyphs(self._municipality, page)
        pdf = await self._renderers.draw(self._municipality, page)
        rendered_at = self._clock()
        await asyncio.get_running_loop().run_in_executor(self._executor, self._check, page, pdf)
        certificate = Certificate(pdf, hashlib.sha256(pdf).hexdigest(), row.serial, page.pages)
        cipher = issue_record.seal(row.request_id, page)
        return Made(certificate, page.digest, versions(self._municipality.folder), rendered_at, cipher)

    def _check(self, page: PageData, pdf: bytes) -> None:
        try:
            check(self._municipality, page, pdf)
        except CheckFailed:
            raise
        except Exception as error:
            failure = CheckFailed(f"the page can't be read back ({type(error).__name__})")
        else:
            return
        # Raised outside the handler: a reader's own error may quote the page.
        raise failure


class Fetching:
    """From the 戸籍 system: an order with a correlation id of its own, and the extract that answers it."""

    def __init__(self, municipality: Municipality, koseki: KosekiSystem, clock: Clock, deadline_seconds: float) -> None:
        self._municipality = municipality
        self._koseki = koseki
        self._clock = clock
        self._deadline_seconds = deadline_seconds

    async def make(self, application: Application, facts: Facts, row: RequestRow) -> Made:
        """Fetch; the same request gives the same order again, and so the same bytes."""
        order = order_of(application, facts, row)
        extract = await self._koseki.fetch(order, self._deadline_seconds)
        certificate = Certificate(extract.pdf, extract.sha256, row.serial, extract.pages)
        return Made(certificate, order.subject.digest(), versions(self._municipality.folder), self._clock())


Make = Callable[[Application, Facts, RequestRow], Awaitable[Made]]


def subject_of(facts: Facts) -> Subject:
    """Whom the certificate is about; the rules have made sure that everything needed is there."""
    if facts.person is None:
        raise IssueRefused("there is no person")
    printed = household_order(facts.printed)
    return Subject(facts.person, printed, facts.whole_household, facts.seal, facts.tax)


def order_of(application: Application, facts: Facts, row: RequestRow) -> Order:
    """戸籍への照会: of the applicant's own 戸籍, by what the resident record or the registration says."""
    return Order(
        request_id=row.request_id,
        correlation_id=row.correlation_id,
        kind=application.kind.value,
        subject=register_subject(facts),
        members="person" if application.kind is Kind.FAMILY_REGISTER_INDIVIDUAL else "whole",
        include_domicile=OptionalItem.REGISTERED_DOMICILE in application.items,
        include_overseas_voting=OptionalItem.OVERSEAS_VOTING in application.items,
        issued_on=row.accepted_at.astimezone(JST).date(),
        serial=row.serial,
    )


def register_subject(facts: Facts) -> RegisterSubject:
    """The person as the 戸籍 names them."""
    registration, person = facts.registration, facts.person
    if facts.non_resident and registration is not None:
        return RegisterSubject(
            name=registration.name,
            birth_text=wareki(registration.birth_on),
            registered_domicile=registration.registered_domicile,
            family_register_head=registration.family_register_head,
        )
    if person is None or not person.registered_domicile or not person.family_register_head:
        raise IssueRefused("there is no register")
    return RegisterSubject(
        name=person.name,
        birth_text=person.birth_on.text,
        registered_domicile=person.registered_domicile,
        family_register_head=person.family_register_head,
    )

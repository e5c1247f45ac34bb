"""One request from acceptance to its end (申請の一生): the operations of one municipality, composed.

States and times live in the database (``repository``); the certificate lives only in the call that made it. Whatever
goes wrong ends the request as ``failed`` with a code; a time-out cancels all of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta

from issuance_api.checking import check
from issuance_api.eligibility import Facts, decide
from issuance_api.forms import Issue, PageData, Subject, household_order, page_data
from issuance_api.model import (
    HOUSEHOLD_KINDS,
    Application,
    Capabilities,
    Capability,
    Certificate,
    Kind,
    MemberChoice,
    OptionalItem,
    Report,
    Result,
    State,
)
from issuance_api.refusals import Conflict, InProgress, NotFound, TimedOut, refused
from issuance_api.rendering import Renderer, versions, warm_up
from issuance_api.repository import Made, Reading, Repository, RequestRow
from issuance_api.service_hours import Clock
from municipalities.registry import Municipality
from records.errors import CheckFailed, IssueRefused, UtsushiError

DEADLINE_SECONDS = 30.0
CLEAN_UP_SECONDS = 5.0
CHANGED = "登録内容が変わったため、交付できません。もう一度お試しください。"
INQUIRY_ID = "capability-inquiry"
TAX_EXEMPT_NAME = "所得課税証明書・非課税証明書"

log = logging.getLogger("issuance_api")


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all municipalities of one process share: the renderer and its threads, the clock, the deadline, the hours."""

    renderer: Renderer
    executor: Executor
    clock: Clock
    deadline_seconds: float = DEADLINE_SECONDS
    always_open: bool = False


class IssuingService:
    """The domain operations of one municipality."""

    def __init__(self, municipality: Municipality, repository: Repository, workshop: Workshop) -> None:
        self.municipality = municipality
        self.repository = repository
        self._workshop = workshop

    async def warm(self) -> None:
        """Read fonts and templates before the first request, so that it does not wait for them (half a second)."""
        await asyncio.to_thread(warm_up, self.municipality.folder)

    async def capabilities(self, card_serial: str) -> Capabilities:
        """What the holder of this card may have now; the rules are those of an application with nothing chosen."""
        kinds = []
        reading = None
        for kind in Kind:
            application = self._inquiry(kind, card_serial)
            reading = await self.repository.read(application)
            refusal = decide(self._facts(application, reading, self._workshop.clock()))
            kinds.append(_capability(kind, refusal.code if refusal else None, refusal.text if refusal else None))
        return self._capabilities(tuple(kinds), reading)

    async def apply(self, application: Application) -> Certificate:
        """The certificate, or an error of ``refusals``. The same request again gives the same bytes."""
        try:
            async with asyncio.timeout(self._workshop.deadline_seconds):
                return await self._apply(application)
        except TimeoutError:
            await self._fail(application.request_id, TimedOut.code)
            raise TimedOut from None
        except asyncio.CancelledError:
            await asyncio.shield(self._fail(application.request_id, "cancelled"))
            raise

    async def result(self, request_id: str) -> Result:
        """State of a request; ``NotFound`` for an unknown id."""
        row = await self.repository.request(request_id)
        if row is None:
            raise NotFound
        return Result(
            request_id=request_id,
            state=row.state,
            result_code=row.result_code,
            issue_serial=row.serial if row.pdf_sha256 else None,
            pages=row.pages,
            pdf_sha256=row.pdf_sha256,
        )

    async def report(self, report: Report) -> Result:
        """Take note of printed or aborted; repeating the same report changes nothing."""
        row = await self.repository.finish(report.request_id, State(report.outcome), self._workshop.clock())
        if row is None:
            raise NotFound
        if row.state.value != report.outcome:
            raise Conflict
        return await self.result(report.request_id)

    async def _apply(self, application: Application) -> Certificate:
        row, is_new = await self.repository.accept(application, self._workshop.clock())
        if row.content_sha256 != application.content_sha256():
            raise Conflict
        if not is_new:
            self._check_repeatable(row)
        try:
            return await self._issue(application, row)
        except IssueRefused as refusal:
            await self.repository.refuse(row.request_id, refusal.code, self._workshop.clock())
            raise
        except Exception as error:
            await self._fail(row.request_id, getattr(error, "code", "internal"))
            raise

    async def _issue(self, application: Application, row: RequestRow) -> Certificate:
        reading = await self.repository.read(application)
        facts = self._facts(application, reading, row.accepted_at)
        _raise_if_refused(facts)
        page = page_data(
            self.municipality, application, _subject(facts), Issue(row.request_id, row.serial, row.accepted_at)
        )
        noted = asyncio.ensure_future(self.repository.eligible(row.request_id, reading, self._workshop.clock()))
        try:
            made = await self._render(page, row)
        finally:
            await noted
        if row.pdf_sha256 not in (None, made.certificate.sha256):
            raise refused("register_changed", CHANGED)
        await self._send(application, row, reading, made)
        return made.certificate

    async def _send(self, application: Application, row: RequestRow, reading: Reading, made: Made) -> None:
        """Mark as sent; if the register, a hold or the card changed meanwhile, nothing leaves."""
        changed = await self.repository.send(row, application, reading, made, self._workshop.clock())
        if changed is not None:
            _raise_if_refused(self._facts(application, changed, row.accepted_at))
            raise refused("register_changed", CHANGED)

    async def _render(self, page: PageData, row: RequestRow) -> Made:
        """Render and check in a worker thread; the bytes are handed to nobody but the caller."""
        loop = asyncio.get_running_loop()
        pdf, rendered_at = await loop.run_in_executor(self._workshop.executor, self._make, page)
        sha256 = hashlib.sha256(pdf).hexdigest()
        certificate = Certificate(pdf, sha256, row.serial, page.pages)
        return Made(certificate, page.digest, versions(self.municipality.folder), rendered_at)

    def _make(self, page: PageData) -> tuple[bytes, datetime]:
        pdf = self._workshop.renderer.render(self.municipality, page)
        rendered_at = self._workshop.clock()
        try:
            check(self.municipality, page, pdf)
        except CheckFailed:
            raise
        except Exception as error:
            failure = CheckFailed(f"the page can't be read back ({type(error).__name__})")
        else:
            return pdf, rendered_at
        # Raised outside the handler: a reader's own error may quote the page.
        raise failure

    async def _fail(self, request_id: str, code: str) -> None:
        try:
            async with asyncio.timeout(CLEAN_UP_SECONDS):
                await self.repository.fail(request_id, code, self._workshop.clock())
        except (TimeoutError, UtsushiError) as error:
            log.error("request could not be marked as failed: %s", type(error).__name__)

    def _check_repeatable(self, row: RequestRow) -> None:
        """A repeated request is served again after it was sent, until the centre reports its end.

        One that its node left unfinished (killed) is taken over once nobody can be working on it any more.
        """
        if row.state in (State.FAILED, State.REFUSED):
            raise refused(row.result_code or "failed", "この申請は交付できませんでした。")
        if row.state in (State.PRINTED, State.ABORTED):
            raise Conflict
        abandoned = self._workshop.clock() - row.accepted_at > timedelta(seconds=2 * self._workshop.deadline_seconds)
        if row.state is not State.SENT and not abandoned:
            raise InProgress

    def _facts(self, application: Application, reading: Reading, accepted_at: datetime) -> Facts:
        return Facts(
            now=self._workshop.clock(),
            accepted_at=accepted_at,
            municipality=self.municipality,
            application=application,
            card=reading.card,
            person=reading.person,
            household=reading.household,
            withheld=reading.withheld,
            held=reading.held,
            verified_at=reading.verified_at,
            seal=reading.seal,
            tax=reading.tax,
            always_open=self._workshop.always_open,
        )

    def _inquiry(self, kind: Kind, card_serial: str) -> Application:
        year = self.municipality.issuing.tax_year if kind is Kind.INCOME_TAXATION else None
        return Application(request_id=INQUIRY_ID, kind=kind, card_serial=card_serial, fiscal_year=year)

    def _capabilities(self, kinds: tuple[Capability, ...], reading: Reading | None) -> Capabilities:
        """Members are named only where a household certificate can be had at all."""
        offered = any(one.available and one.kind in HOUSEHOLD_KINDS for one in kinds)
        household = household_order(reading.household) if reading and offered else ()
        allowed = self.municipality.issuing.individual_number_allowed
        return Capabilities(
            kinds=kinds,
            members=tuple(MemberChoice(addressee_number=one.addressee_number, name=one.name) for one in household),
            optional_items=tuple(one for one in OptionalItem if allowed or one is not OptionalItem.INDIVIDUAL_NUMBER),
            fiscal_year=self.municipality.issuing.tax_year,
        )


def _raise_if_refused(facts: Facts) -> None:
    refusal = decide(facts)
    if refusal:
        raise refused(refusal.code, refusal.text)


def _subject(facts: Facts) -> Subject:
    """Whom the certificate is about; the rules have made sure that everything needed is there."""
    if facts.person is None:
        raise IssueRefused("there is no person")
    printed = household_order(facts.printed)
    return Subject(facts.person, printed, facts.whole_household, facts.seal, facts.tax)


def _capability(kind: Kind, code: str | None, text: str | None) -> Capability:
    name = TAX_EXEMPT_NAME if kind is Kind.INCOME_TAXATION else kind.japanese_name
    return Capability(kind=kind, name=name, available=code is None, result_code=code, text=text)

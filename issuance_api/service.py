"""One request from acceptance to its end (申請の一生): the operations of one municipality, composed.

States and times live in the database (``repository``); the certificate lives only in the call that made it. Whatever
goes wrong ends the request as ``failed`` with a code; a time-out cancels all of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime

from issuance_api.concern import Concern, concern_of
from issuance_api.eligibility import Refusal, decide
from issuance_api.facts import Facts, applicant_age, lies_in
from issuance_api.forms import household_order
from issuance_api.identification import Identification
from issuance_api.jpki.settings import Settings as Jpki
from issuance_api.jpki.sources import Sources
from issuance_api.making import Drawing, Fetching, KosekiSystem, Make
from issuance_api.model import (
    HOUSEHOLD_KINDS,
    REPLICA_KINDS,
    Alive,
    Application,
    Capabilities,
    Capability,
    CapabilityInquiry,
    Certificate,
    ChallengeDemand,
    ChallengeResult,
    Kind,
    MemberChoice,
    OptionalItem,
    Purpose,
    RegistrationApplication,
    RegistrationResult,
    Report,
    Result,
    State,
)
from issuance_api.offer import members_choosable, notices, optional_items
from issuance_api.refusals import Conflict, InProgress, NotFound, TimedOut, Unavailable, refused
from issuance_api.renderer.pool import RendererPool
from issuance_api.rendering import warm_up
from issuance_api.repository import Made, Reading, Repository, RequestRow
from issuance_api.repository_incidents import Incidents
from issuance_api.repository_registrations import Registrations
from issuance_api.service_hours import Clock
from issuance_api.volume import Volume
from municipalities.registry import Municipality
from records.errors import IssueRefused, UtsushiError

DEADLINE_SECONDS = 30.0
CLEAN_UP_SECONDS = 5.0
CHANGED = "登録内容が変わったため、交付できません。もう一度お試しください。"
REGISTER_ELSEWHERE = "本籍がこの市区町村にありません。本籍地の市区町村にお申し込みください。"
KOSEKI_UNAVAILABLE = "戸籍の証明書はただいま交付できません。時間をおいてご利用ください。"
KOSEKI_MARGIN_SECONDS = 3.0  # of the deadline, for what comes after the 戸籍 system has answered
PRINT_ERROR = "print_error"
INCIDENTS = frozenset({"check_failed", "koseki_mismatch", "koseki_hostile"})
INQUIRY_ID = "capability-inquiry"
TAX_EXEMPT_NAME = "所得課税証明書・非課税証明書"

log = logging.getLogger("issuance_api")


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all municipalities of one node share: renderers, the threads that check, the clock, the deadline, the hours."""

    renderers: RendererPool
    executor: Executor
    clock: Clock
    deadline_seconds: float = DEADLINE_SECONDS
    always_open: bool = False
    koseki: Mapping[str, KosekiSystem] = field(default_factory=dict)  # by municipality code
    jpki: Jpki = field(default_factory=Jpki)
    sources: Sources | None = None  # of revocation; None where the centre verifies


class IssuingService:
    """The domain operations of one municipality."""

    def __init__(self, municipality: Municipality, repository: Repository, workshop: Workshop) -> None:
        self.municipality = municipality
        self.repository = repository
        self.incidents = Incidents(repository)
        self.registrations = Registrations(repository)
        self.working: Counter[str] = Counter()  # request ids that this node works on now
        self._workshop = workshop
        self._volume = Volume(municipality.issuing.volume_alarm_per_hour)
        self._who = Identification(municipality, repository, workshop.jpki, workshop.sources)
        self._drawing = Drawing(municipality, workshop.renderers, workshop.executor, workshop.clock)
        system = workshop.koseki.get(municipality.code)
        self._fetching = (
            Fetching(municipality, system, workshop.clock, workshop.deadline_seconds - KOSEKI_MARGIN_SECONDS)
            if system
            else None
        )

    async def count(self) -> None:
        """Count an operation that looks at a person; too many in an hour are an incident."""
        if self._volume.exceeded():
            log.error("municipality %s: more is asked than its kiosks ever do", self.municipality.code)
            await self.incidents.open_volume(self._workshop.clock())

    async def warm(self) -> None:
        """Read fonts and templates before the first request, so that it does not wait for them (half a second)."""
        await asyncio.to_thread(warm_up, self.municipality.folder)

    async def alive(self) -> Alive:
        """死活監視; ``Unavailable`` while the register can't be asked."""
        if not await self.repository.answers():
            raise Unavailable
        return Alive()

    async def challenge(self, demand: ChallengeDemand) -> ChallengeResult:
        """A challenge for the card to sign."""
        return await self._who.challenge(demand, self._workshop.clock())

    async def capabilities(self, inquiry: CapabilityInquiry) -> Capabilities:
        """What the holder of this card may have now; the rules are those of an application with nothing chosen."""
        inquiry, _ = await self._who.resolved(inquiry, Purpose.CAPABILITIES, self._workshop.clock())
        kinds = []
        reading = None
        for kind in Kind:
            application = self._inquiry(kind, inquiry)
            reading = await self.repository.read(application)
            refusal = decide(self._facts(application, reading, self._workshop.clock()))
            kinds.append(self._capability(kind, refusal))
        return self._capabilities(tuple(kinds), reading)

    async def apply(self, application: Application) -> Certificate:
        """The certificate, or an error of ``refusals``. The same request again gives the same bytes.

        Nothing is touched before it is certain who asks: another's request id must not end that request.
        """
        application, _ = await self._who.resolved(application, Purpose.APPLICATION, self._workshop.clock())
        self.working[application.request_id] += 1
        try:
            async with asyncio.timeout(self._workshop.deadline_seconds):
                return await self._apply(application)
        except TimeoutError:
            await self._fail(application.request_id, TimedOut.code)
            raise TimedOut from None
        except asyncio.CancelledError:
            await asyncio.shield(self._fail(application.request_id, "cancelled"))
            raise
        finally:
            self.working -= Counter({application.request_id: 1})

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
        now = self._workshop.clock()
        if report.outcome == PRINT_ERROR:
            return await self._print_error(report, now)
        row = await self.repository.finish(report.request_id, State(report.outcome), report.error_code, now)
        if row is None:
            raise NotFound
        if row.state.value != report.outcome:
            raise Conflict
        if report.error_code:
            await self.incidents.open(report.request_id, report.outcome, report.error_code, now)
        elif report.outcome == "printed":
            await self.incidents.note_reprinted(report.request_id, now)
        return await self.result(report.request_id)

    async def _print_error(self, report: Report, now: datetime) -> Result:
        """印刷エラー: an incident. The request stays sent: its pages may still be printed, or given up."""
        row = await self.repository.request(report.request_id)
        if row is None:
            raise NotFound
        if row.state not in (State.SENT, State.PRINTED, State.ABORTED):
            raise Conflict
        await self.incidents.open(report.request_id, report.outcome, report.error_code, now)
        return await self.result(report.request_id)

    async def register(self, application: RegistrationApplication) -> RegistrationResult:
        """利用登録申請: note it for staff; the same application again changes nothing."""
        application, medium = await self._who.resolved(application, Purpose.REGISTRATION, self._workshop.clock())
        if not lies_in(application.registered_domicile, self.municipality):
            raise refused("register_elsewhere", REGISTER_ELSEWHERE)
        return await self.registrations.apply(application, medium or "card", self._workshop.clock())

    async def registration(self, request_id: str) -> RegistrationResult:
        """How far a usage registration is."""
        return await self.registrations.result(request_id)

    async def cancel(self, request_id: str) -> Result:
        """Give a request up, whatever it has come to; what was printed stays printed."""
        row = await self.repository.cancel(request_id, self._workshop.clock())
        if row is None:
            raise NotFound
        if row.state is State.PRINTED:
            raise Conflict
        return await self.result(request_id)

    async def _apply(self, application: Application) -> Certificate:
        row, is_new = await self.repository.accept(application, self._workshop.clock())
        if row.content_sha256 != application.content_sha256():
            raise Conflict
        if not is_new:
            await self._check_repeatable(row)
        try:
            return await self._issue(application, row)
        except IssueRefused as refusal:
            await self.repository.refuse(row.request_id, refusal.code, self._workshop.clock())
            raise
        except Exception as error:
            code = getattr(error, "code", "internal")
            await self._fail(row.request_id, code)
            if code in INCIDENTS:
                await self.incidents.open(row.request_id, code, None, self._workshop.clock())
            raise

    async def _issue(self, application: Application, row: RequestRow) -> Certificate:
        reading = await self.repository.read(application)
        facts = self._facts(application, reading, row.accepted_at)
        _raise_if_refused(facts)
        noted = asyncio.ensure_future(
            self.repository.eligible(
                row.request_id, reading, concern_of(facts), applicant_age(facts), self._workshop.clock()
            )
        )
        try:
            made = await self._make(application.kind)(application, facts, row)
        finally:
            await noted
        if row.pdf_sha256 not in (None, made.certificate.sha256):
            raise refused("register_changed", CHANGED)
        await self._send(application, row, reading, concern_of(facts), made)
        return made.certificate

    async def _send(
        self, application: Application, row: RequestRow, reading: Reading, concern: Concern, made: Made
    ) -> None:
        """Mark as sent; if the register, a hold or the card changed meanwhile, nothing leaves."""
        changed = await self.repository.send(row, application, reading, concern, made, self._workshop.clock())
        if changed is not None:
            _raise_if_refused(self._facts(application, changed, row.accepted_at))
            raise refused("register_changed", CHANGED)

    def _make(self, kind: Kind) -> Make:
        if kind in REPLICA_KINDS:
            return self._drawing.make
        if self._fetching is None:
            raise refused("koseki_unavailable", KOSEKI_UNAVAILABLE)
        return self._fetching.make

    async def _fail(self, request_id: str, code: str) -> None:
        try:
            async with asyncio.timeout(CLEAN_UP_SECONDS):
                await self.repository.fail(request_id, code, self._workshop.clock())
        except (TimeoutError, UtsushiError) as error:
            log.error("request could not be marked as failed: %s", type(error).__name__)

    async def _check_repeatable(self, row: RequestRow) -> None:
        """A repeated request is served again after it was sent, until the centre reports its end.

        One that its node left unfinished (killed, or its end could not be written) is taken over by the node that is
        asked.
        """
        if row.state in (State.FAILED, State.REFUSED):
            raise refused(row.result_code or "failed", "この申請は交付できませんでした。")
        if row.state in (State.PRINTED, State.ABORTED):
            raise Conflict
        idle = self.working[row.request_id] == 1  # nobody but this call
        if row.state is not State.SENT and not await self.repository.take_over(row.request_id, idle=idle):
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
            registration=reading.registration,
            register_held=reading.register_held,
            always_open=self._workshop.always_open,
        )

    def _inquiry(self, kind: Kind, inquiry: CapabilityInquiry) -> Application:
        year = self.municipality.issuing.tax_year if kind is Kind.INCOME_TAXATION else None
        return Application(
            request_id=INQUIRY_ID,
            kind=kind,
            card_serial=inquiry.card_serial,
            card_issuer_sha256=inquiry.card_issuer_sha256,
            fiscal_year=year,
        )

    def _capabilities(self, kinds: tuple[Capability, ...], reading: Reading | None) -> Capabilities:
        """Members are named only where a household certificate can be had at all."""
        offered = any(one.available and one.kind in HOUSEHOLD_KINDS for one in kinds)
        household = household_order(reading.household) if reading and offered else ()
        issuing = self.municipality.issuing
        items = {item for one in kinds for item in one.optional_items}
        return Capabilities(
            kinds=kinds,
            members=tuple(MemberChoice(addressee_number=one.addressee_number, name=one.name) for one in household),
            optional_items=tuple(one for one in OptionalItem if one in items),
            fiscal_year=issuing.tax_year,
            maintenance=notices(issuing, self._workshop.clock()),
        )

    def _capability(self, kind: Kind, refusal: Refusal | None) -> Capability:
        issuing = self.municipality.issuing
        return Capability(
            kind=kind,
            name=TAX_EXEMPT_NAME if kind is Kind.INCOME_TAXATION else kind.japanese_name,
            available=refusal is None,
            result_code=refusal.code if refusal else None,
            text=refusal.text if refusal else None,
            optional_items=optional_items(issuing, kind),
            members_choosable=members_choosable(issuing, kind),
        )


def _raise_if_refused(facts: Facts) -> None:
    refusal = decide(facts)
    if refusal:
        raise refused(refusal.code, refusal.text)

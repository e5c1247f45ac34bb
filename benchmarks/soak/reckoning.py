"""The soak's reckoning: the clients' ledger against the product's own records, request by request.

Each request must have one row, a legal chain of states, an end that fits what its client saw, and each answer a reason
that something else than the product vouches for: the journal, a kill, what the soak itself did. The rest is unexplained.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from benchmarks.soak.ledger import FINAL, TOO_BUSY, Attempt, Entry
from benchmarks.soak.observer import judge
from benchmarks.soak.site import Down
from benchmarks.soak.timeline import Timeline
from benchmarks.soak.town import SoakTown, person_signs, version_signs
from issuance_api.repository import POOL_TIMEOUT_SECONDS
from issuance_api.service import DEADLINE_SECONDS

REQUESTS = "select *, issued_on::text || lpad(serial_number::text, 8, '0') as serial from issuance.request"
INCIDENTS = "select request_id, kind from issuance.incident"
LOG = "select request_id, state from issuance.issue_log order by id"
UNFINISHED = ("accepted", "eligible", "rendered", "checked")
# What may follow what, by the requirements (design: the life of a request), not by the program.
NEXT = {
    None: {"accepted"},
    "accepted": {"refused", "eligible", "failed"},
    "eligible": {"rendered", "failed"},
    "rendered": {"checked", "failed"},
    "checked": {"sent", "failed"},
    "sent": {"printed", "aborted"},
}
KILL_SECONDS = 2.0  # before an attempt: what a kill tears may show a little later
LOCK_SECONDS = 3.0  # ``lock_timeout`` of the nodes' sessions
# A machine that can't keep up: the answer came after the wait for a connection or a lock, or at the deadline.
WAITED = {"database_unavailable": min(POOL_TIMEOUT_SECONDS, LOCK_SECONDS), "timeout": DEADLINE_SECONDS}
VOLUME = "more is asked than its kiosks ever do"
LISTENS = "issuance_api listens"
NUMBERS = re.compile(r"[0-9]{12,}|[0-9A-F]{20}")


@dataclass(frozen=True, slots=True)
class Records:
    """What the product kept: request rows, chains of states, lines of the nodes' logs, kinds of incidents."""

    rows: Mapping[str, Mapping[str, Any]]
    chains: Mapping[str, Sequence[str]]
    lines: Sequence[str]
    incidents: Mapping[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kills:
    """When nodes were away, and when renderers were killed."""

    nodes: Sequence[Down]
    renderers: Sequence[float]


@dataclass(slots=True)
class Verdict:
    """Findings: pairs of a request (or what it is about) and a reason. Empty lists are what is asked for."""

    wrong: list[tuple[str, str]] = field(default_factory=list)
    against: list[tuple[str, str]] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)
    doubled: list[tuple[str, str]] = field(default_factory=list)
    unexplained: list[tuple[str, str]] = field(default_factory=list)
    leaked: list[tuple[str, str]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    kinds: set[str] = field(default_factory=set)
    read: int = 0
    certificates: int = 0


def records(connection: psycopg.Connection, lines: Sequence[str]) -> Records:
    """Read what the product kept."""
    rows = connection.cursor(row_factory=dict_row).execute(REQUESTS).fetchall()
    chains: dict[str, list[str]] = {}
    for request_id, state in connection.execute(LOG).fetchall():
        chains.setdefault(request_id, []).append(state)
    serials = {row["request_id"]: row | {"serial": row["serial"].replace("-", "")} for row in rows}
    incidents: dict[str, set[str]] = {}
    for request_id, kind in connection.execute(INCIDENTS).fetchall():
        incidents.setdefault(request_id, set()).add(kind)
    return Records(serials, chains, lines, incidents)


class Reckoning:
    """Goes through all entries once."""

    def __init__(self, town: SoakTown, timeline: Timeline, kept: Records, kills: Kills) -> None:
        self.verdict = Verdict()
        self._town = town
        self._timeline = timeline
        self._kept = kept
        self._kills = kills

    def run(self, entries: Sequence[Entry]) -> Verdict:
        """All findings."""
        for entry in entries:
            self._rows_and_states(entry)
            self._certificates(entry)
            for attempt in entry.attempts:
                self._answer(entry, attempt)
        self._once(entries)
        self._logs(entries)
        return self.verdict

    def _rows_and_states(self, entry: Entry) -> None:
        """One row, a legal chain, an end that fits."""
        row, name = self._kept.rows.get(entry.request_id), entry.request_id
        if row is None:
            # A client that left may have left before anything arrived.
            if entry.known() or "left" not in entry.marks:
                self.verdict.lost.append((name, "no row"))
            return
        chain = self._kept.chains.get(name, ())
        if any(state not in NEXT.get(before, ()) for before, state in zip((None, *chain), chain, strict=False)):
            self.verdict.unexplained.append((name, f"chain of states {'>'.join(chain)}"))
        if len(chain) != len(set(chain)):
            self.verdict.doubled.append((name, "a state twice"))
        if not chain or chain[-1] != row["state"]:
            self.verdict.unexplained.append((name, "the log does not end as the row does"))
        if (row["kind"], row["card_serial"]) != (entry.wish.kind.value, entry.wish.applicant.card):
            self.verdict.wrong.append((name, "the row is of something else"))
        self._incidents(entry)
        if not self._end_fits(entry, row):
            self.verdict.unexplained.append((name, f"ended as {row['state']} {row['result_code']}, {_seen(entry)}"))

    def _incidents(self, entry: Entry) -> None:
        """A print error that was noted is an incident; nothing else is one here."""
        found = self._kept.incidents.get(entry.request_id, set())
        reports = entry.others("report", "print_error")
        if any(one.answer.outcome == "result" for one in reports) and not found:
            self.verdict.lost.append((entry.request_id, "a print error without an incident"))
        if found - ({"print_error"} if reports else set()):
            self.verdict.unexplained.append((entry.request_id, f"incident {' '.join(sorted(found))}"))

    def _end_fits(self, entry: Entry, row: Mapping[str, Any]) -> bool:
        state, code = row["state"], row["result_code"]
        reported = {one.detail for one in entry.others("report")}
        noted = {one.detail for one in entry.others("report") if one.answer.outcome == "result"}
        unknown = any(map(_unknown, entry.applied()))
        if state == "printed":
            return "printed" in reported
        if state == "aborted":
            return "aborted" in reported or (code == "cancelled" and bool(entry.others("cancel")))
        if state == "sent":
            return not noted & {"printed", "aborted"} and (unknown or bool(entry.certificates()))
        return state not in UNFINISHED and not entry.certificates() and self._failure_fits(entry, row, unknown)

    def _failure_fits(self, entry: Entry, row: Mapping[str, Any], unknown: bool) -> bool:
        """A request that came to nothing: for a reason before its end, which may be long after its client has left."""
        code, ended = str(row["result_code"]), row["finished_at"].timestamp()
        last = max(ended, *(one.answered_at for one in entry.attempts))
        if code in WAITED:
            return unknown or _waited(entry, code, last)
        return self._reason(entry, code, last)

    def _certificates(self, entry: Entry) -> None:
        """Every page that reached a client, and every ``sent``."""
        name, sent = entry.request_id, self._timeline.sent.get(entry.request_id, [])
        row = self._kept.rows.get(name)
        self.verdict.against += [(name, one) for event in sent for one in sorted(event.against)]
        got = entry.certificates()
        self.verdict.certificates += bool(got)
        self.verdict.kinds |= {entry.wish.kind.value} if got else set()
        if len(got) > len(sent):
            self.verdict.lost.append((name, "handed over and not marked as sent"))
        if len({one.answer.sha256 for one in got}) > 1:
            self.verdict.doubled.append((name, "a retry gave other bytes"))
        for one in got:
            self._read(entry, one, row)

    def _read(self, entry: Entry, attempt: Attempt, row: Mapping[str, Any] | None) -> None:
        if attempt.sight is None or row is None:
            self.verdict.lost.append((entry.request_id, "a certificate of no row"))
            return
        sight, name = attempt.sight.result(), entry.request_id
        self.verdict.read += 1
        if {sight.sha256, attempt.answer.sha256} != {row["pdf_sha256"]}:
            self.verdict.wrong.append((name, "other bytes than were marked as sent"))
        if (attempt.answer.serial, attempt.answer.pages) != (row["serial"], len(sight.pages)):
            self.verdict.wrong.append((name, "another serial or number of pages than was said"))
        for event in self._timeline.sent.get(name, []):
            found = judge(self._town, entry.wish, event.versions, row["serial"], sight)
            self.verdict.wrong += [(name, f"{one} ({entry.wish.kind.value})") for one in found]

    def _answer(self, entry: Entry, attempt: Attempt) -> None:
        """Every answer has a reason."""
        outcome, code = attempt.answer.outcome, attempt.answer.code
        if outcome == "problem":
            if attempt.act == "apply":
                self.verdict.refused[str(code)] += 1
            if not self._explained(entry, attempt, str(code)):
                self.verdict.unexplained.append((entry.request_id, f"{attempt.act} {code}, {entry.errand}"))
        elif outcome == "broken" and not self._torn(attempt):
            self.verdict.unexplained.append((entry.request_id, f"{attempt.act}: connection lost"))
        elif outcome == "gone" and "left" not in entry.marks:
            self.verdict.unexplained.append((entry.request_id, f"{attempt.act}: no answer"))
        elif attempt.detail == FINAL and outcome == "result":
            row = self._kept.rows.get(entry.request_id)
            if row is None or attempt.answer.state != row["state"]:
                self.verdict.unexplained.append((entry.request_id, "the town says another state than its row has"))
        elif attempt.act == "conflict" and outcome != "broken":
            self.verdict.wrong.append((entry.request_id, "an id served two applications"))

    def _explained(self, entry: Entry, attempt: Attempt, code: str) -> bool:
        if code in WAITED:
            return _waited(entry, code, attempt.answered_at)
        if attempt.act != "apply":  # a cancellation may come before the request itself
            nothing_there = attempt.detail != FINAL or entry.request_id not in self._kept.rows
            return (code == "not_found" and nothing_there and attempt.act == "result") or (attempt.act, code) in {
                ("conflict", "request_conflict"),
                ("cancel", "not_found"),
            }
        if code == "request_in_progress":
            return any(
                other is not attempt
                and other.asked_at <= attempt.answered_at
                and (other.answered_at >= attempt.asked_at or _unknown(other))
                for other in entry.applied()
            )
        if code == "request_conflict":
            return any(one.asked_at <= attempt.answered_at for act in ("report", "cancel") for one in entry.others(act))
        return self._reason(entry, code, attempt.answered_at)

    def _reason(self, entry: Entry, code: str, until: float) -> bool:
        """Whether something happened between the first attempt and ``until`` that this code is for."""
        since, wish = entry.first_asked_at, entry.wish
        cancelled = any(one.asked_at <= until for one in entry.others("cancel"))
        reasons: dict[str, Callable[[], bool]] = {
            "held": lambda: self._timeline.held(wish, since, until),
            "card_not_active": lambda: self._timeline.suspended(wish, since, until),
            "register_changed": lambda: cancelled or self._timeline.changed(wish, since, until),
            "cancelled": lambda: cancelled,
            "abandoned": lambda: (
                any(one.since <= until and one.until >= since for one in self._kills.nodes)
                or any(one.answer.code == TOO_BUSY for one in entry.applied())
            ),
            "renderer_lost": lambda: any(since - KILL_SECONDS <= one <= until for one in self._kills.renderers),
        }
        return code in reasons and reasons[code]()

    def _torn(self, attempt: Attempt) -> bool:
        """A connection is lost when its node is killed, and refused until it is back; on the shared port only torn."""
        return any(
            one.node == attempt.node and one.since <= attempt.answered_at and one.until >= attempt.asked_at
            if attempt.node is not None
            else attempt.asked_at - KILL_SECONDS <= one.since <= attempt.answered_at
            for one in self._kills.nodes
        )

    def _once(self, entries: Sequence[Entry]) -> None:
        """Serials and bytes are of one request each, and no row is of a request that nobody made."""
        known = {one.request_id for one in entries}
        self.verdict.doubled += [(one, "nobody asked for it") for one in self._kept.rows if one not in known]
        for column in ("serial", "pdf_sha256"):
            counts = Counter(row[column] for row in self._kept.rows.values() if row[column])
            self.verdict.doubled += [("-", f"{column} of {count} requests") for count in counts.values() if count > 1]
        handed = Counter(serial for one in entries for serial in {got.answer.serial for got in one.certificates()})
        self.verdict.doubled += [("-", "a serial handed over twice") for count in handed.values() if count > 1]

    def _logs(self, entries: Sequence[Entry]) -> None:
        """JSON without a name or number of anybody, no error, and a line for every certificate."""
        issued = alarms = 0
        for line in self._kept.lines:
            self.verdict.leaked += [("-", one) for one in leaks(self._town, line)]
            if line.startswith(LISTENS):
                continue
            try:
                values = json.loads(line)
            except json.JSONDecodeError:
                self.verdict.unexplained.append(("-", "a line of a log that is not JSON"))
                continue
            issued += (values.get("operation"), values.get("outcome")) == ("apply", "ok")
            if values["message"].endswith(VOLUME):
                alarms += 1
            elif values["level"] not in ("info", "warning"):
                self.verdict.unexplained.append(("-", f"log: {values['level']}: {values['message']}"))
        limit = self._town.municipality.issuing.volume_alarm_per_hour
        if alarms * limit > sum(len(one.applied()) for one in entries):
            self.verdict.unexplained.append(("-", "an alarm of volume without the volume"))
        if issued < sum(len(one.certificates()) for one in entries):
            self.verdict.unexplained.append(("-", "a certificate without a line in the log"))


def leaks(town: SoakTown, line: str) -> Iterator[str]:
    """What of a person stands in a line of a log."""
    if set(person_signs() + version_signs()) & set(line):
        yield "a name in a log"
    if set(NUMBERS.findall(line)) & town.numbers:
        yield "a number in a log"


def _unknown(attempt: Attempt) -> bool:
    """Whether the request may have gone on, and may even be unfinished, after this answer or for want of one."""
    return attempt.answer.outcome in ("gone", "broken") or attempt.answer.code == TOO_BUSY


def _waited(entry: Entry, code: str, until: float) -> bool:
    """Whether some attempt waited as long as it takes to get this code; a retry gets it again at once."""
    known = [one for one in entry.attempts if one.answer.code == code and one.answered_at <= until]
    return any(one.answered_at - one.asked_at >= WAITED[code] for one in known)


def _seen(entry: Entry) -> str:
    """What the clients saw of a request, for the reader of a finding."""
    return " ".join(f"{one.act}:{one.answer.code or one.answer.outcome}" for one in entry.attempts)

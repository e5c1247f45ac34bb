"""The soak: two nodes under open-loop traffic while everything happens that has gone wrong in the field.

Same-millisecond pairs, retries at the other node, clients that leave, cancellations; kill -9 of nodes and renderers,
differences through the real loader, holds and cards that flip. Then the reckoning: no wrong page, nothing lost or
doubled, every answer explained. Speed is told, not judged.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure
from benchmarks.soak.chaos import Chaos
from benchmarks.soak.ledger import Entry, Ledger
from benchmarks.soak.reckoning import UNFINISHED, Kills, Reckoning, Verdict, records
from benchmarks.soak.site import SoakSite, soak_site
from benchmarks.soak.timeline import Timeline, events
from benchmarks.soak.town import CODE
from benchmarks.soak.traffic import Traffic, Wishes
from issuance_api.model import Kind
from replica.connections import connect

MINUTES, RATE, RESIDENTS = 10.0, 20.0, 1_200
QUICK_MINUTES, QUICK_RESIDENTS = 0.75, 500
NODE_EVERY, RENDERER_EVERY = 30.0, 3.0  # seconds between kills; of a short run a third and an eighth
SWEEP_SECONDS = 150.0  # a request that its node left is ended after a minute
LEAST_SUCCEEDED = 0.8  # of the requests that nothing was done to on purpose
LISTED = 20
INQUIRIES = 200

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How long, how much and how large; ``sweep``: wait at the end until the nodes have ended what was left."""

    seconds: float
    rate: float
    residents: int
    durable: bool = True
    sweep: bool = True
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Soaked:
    """One soak: the verdict, and what happened."""

    verdict: Verdict
    entries: list[Entry]
    chaos: Chaos
    traffic: Traffic
    seconds: float


def run(say: Say, *, quick: bool = False, minutes: float | None = None, rate: float | None = None) -> list[Figure]:
    """Measure; ``quick`` is three quarters of a minute with a smaller town."""
    length = minutes if minutes is not None else QUICK_MINUTES if quick else MINUTES
    size = Size(60 * length, rate or RATE, QUICK_RESIDENTS if quick else RESIDENTS)
    with TemporaryDirectory(prefix="utsushi-soak-") as folder:
        soaked = soak(Path(folder), size, say)
    tell(soaked.verdict, say)
    return figures(soaked)


def soak(folder: Path, size: Size, say: Say) -> Soaked:
    """One soak below ``folder``; the verdict is there, nothing is judged yet."""
    say("the town is loaded, the nodes start")
    spawned = multiprocessing.get_context("spawn")
    with (
        soak_site(folder, size.residents, durable=size.durable) as site,
        ProcessPoolExecutor(1, mp_context=spawned, initializer=os.nice, initargs=(5,)) as readers,
    ):
        wishes, ledger = Wishes(site.town), Ledger(readers)
        traffic = Traffic(wishes, site.asker, ledger, size.seed, CODE)
        chaos = Chaos(site, wishes, size.seed)
        started = time.monotonic()
        say(f"{size.rate:g} requests a second for {size.seconds:g} seconds")
        _storm(traffic, chaos, size)
        seconds = time.monotonic() - started
        say("what is unfinished comes to its end")
        _settle(traffic, sweep=size.sweep)
        site.nodes.stop()
        say("reckoning")
        return Soaked(_reckon(site, list(ledger), chaos), list(ledger), chaos, traffic, seconds)


def figures(soaked: Soaked) -> list[Figure]:
    """What is asked for with its bars, and what informs."""
    verdict, chaos, nodes = soaked.verdict, soaked.chaos, soaked.chaos.site.nodes
    times = latencies(soaked.entries)
    return [
        Figure("applications", sum(len(one.applied()) for one in soaked.entries), ""),
        Figure("requests", len(soaked.entries), ""),
        Figure("requests with a certificate", verdict.certificates, "", ">= 1"),
        Figure("succeeded, of those left alone", succeeded(soaked.entries), "share", f">= {LEAST_SUCCEEDED}"),
        Figure("certificates read by the observer", verdict.read, ""),
        Figure("kinds of certificates issued", len(verdict.kinds), "", f">= {len(Kind)}"),
        Figure("wrong pages", len(verdict.wrong), "", "<= 0"),
        Figure("sent against a hold or a suspended card", len(verdict.against), "", "<= 0"),
        Figure("lost", len(verdict.lost), "", "<= 0"),
        Figure("doubled", len(verdict.doubled), "", "<= 0"),
        Figure("unexplained", len(verdict.unexplained), "", "<= 0"),
        Figure("personal data in logs", len(verdict.leaked), "", "<= 0"),
        *(Figure(f"answered {code}", count, "") for code, count in sorted(verdict.refused.items())),
        Figure("nodes killed", len(nodes.downs), "", ">= 1"),
        Figure("renderers killed", len(nodes.renderer_kills), "", ">= 1"),
        Figure("differences loaded", len(chaos.loaded), "", ">= 1"),
        Figure("holds placed and lifted", chaos.flips, "", ">= 1"),
        Figure("cards suspended and resumed", chaos.suspensions, "", ">= 1"),
        Figure("pairs within a millisecond", sum(one <= 0.001 for one in soaked.traffic.together), "", ">= 1"),
        Figure("errand furthest behind its time", max(soaked.traffic.late), "s"),
        Figure("errands that the machine was too slow for", soaked.traffic.stayed, ""),
        Figure("requests a second, reached", len(soaked.entries) / soaked.seconds, ""),
        Figure("certificate, p50", 1000 * statistics.median(times), "ms"),
        Figure("certificate, p99", 1000 * statistics.quantiles(times, n=100)[98], "ms"),
    ]


def succeeded(entries: list[Entry]) -> float:
    """Share of requests with a certificate among those that nothing was done to on purpose."""
    alone = [bool(one.certificates()) for one in entries if not one.marks]
    return sum(alone) / len(alone)


def latencies(entries: list[Entry]) -> list[float]:
    """Seconds of the first answer to plain requests."""
    first = [one.applied()[0] for one in entries if one.errand == "plain"]
    return [one.answered_at - one.asked_at for one in first if one.answer.outcome == "certificate"]


def tell(verdict: Verdict, say: Say) -> None:
    """The first findings of each sort; they name requests and reasons, nobody."""
    for sort in ("wrong", "against", "lost", "doubled", "unexplained", "leaked"):
        for request_id, reason in getattr(verdict, sort)[:LISTED]:
            say(f"{sort}: {request_id}: {reason}")


def _storm(traffic: Traffic, chaos: Chaos, size: Size) -> None:
    """Clients and chaos together; the nodes are killed and started in this thread, which must outlive them."""
    with ThreadPoolExecutor(1) as pool:
        clients = pool.submit(traffic.run, size.seconds, size.rate)
        clients.add_done_callback(lambda _: chaos.over.set())
        chaos.start()
        try:
            chaos.kill_nodes(size.seconds, min(NODE_EVERY, size.seconds / 3), min(RENDERER_EVERY, size.seconds / 8))
        finally:
            chaos.join()
        clients.result()


def _settle(traffic: Traffic, *, sweep: bool) -> None:
    """Unfinished requests: the nodes end what a killed one left, after a minute; without ``sweep`` the centre asks again."""
    if not sweep:
        traffic.ask_again()
    deadline = time.monotonic() + SWEEP_SECONDS
    while _unfinished() and time.monotonic() < deadline:
        time.sleep(0.5)
    traffic.inquire(INQUIRIES)


def _unfinished() -> int:
    with connect(CODE, "owner") as connection:
        row = connection.execute(
            "select count(*) from issuance.request where state = any (%s)", (list(UNFINISHED),)
        ).fetchone()
    return int(row[0]) if row else 0


def _reckon(site: SoakSite, entries: list[Entry], chaos: Chaos) -> Verdict:
    with connect(CODE, "owner") as connection:
        wishes = {one.request_id: one.wish for one in entries}
        timeline = Timeline(site.town, events(connection), chaos.loaded, wishes)
        kept = records(connection, site.nodes.logs())
    kills = Kills(site.nodes.downs, site.nodes.renderer_kills)
    return Reckoning(site.town, timeline, kept, kills).run(entries)

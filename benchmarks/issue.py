"""An issued 住民票 over HTTP, all rules and checks included, beside a bare warm Typst compile and two other engines.

All in one run: our own server processes with a real PostgreSQL and a fictional town, the bare compile of the same pages
in this process, WeasyPrint and ReportLab drawing the same cells. Latencies with one request at a time, alternating with
the bare compile, so that a noisy machine disturbs both alike; the rate with several connections at once.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from benchmarks.figures import Figure
from benchmarks.issue_peers import draw_reportlab, draw_weasyprint
from benchmarks.issue_site import CODE, Applicant, IssueSite, issue_site
from issuance_api.forms import Issue, PageData, Subject, page_data
from issuance_api.model import Application, Kind, OptionalItem
from issuance_api.rendering import Renderer
from issuance_api.service_hours import system_clock
from municipalities.registry import get

RESIDENTS = 2_000
SINGLE, BURST, PEERS = 300, 1_200, 10
WARM_UP = 40
CONNECTIONS = 6
ITEMS = ("relationship", "registered_domicile")

Say = Callable[[str], None]


@dataclass(slots=True)
class Seconds:
    """Measured seconds of single requests and of bare compiles."""

    issued: list[float]
    bare: list[float]


def run(say: Say, *, quick: bool = False) -> list[Figure]:
    """Measure; ``quick`` issues a tenth."""
    single, burst = (SINGLE // 10, BURST // 10) if quick else (SINGLE, BURST)
    with TemporaryDirectory(prefix="utsushi-bench-") as folder, issue_site(Path(folder), RESIDENTS) as site:
        pages = [_page(one) for one in site.applicants]
        say(f"one at a time: {single}")
        seconds = _singles(site, pages, single)
        say(f"{CONNECTIONS} at a time: {burst}")
        rate = _burst(site, burst)
        say("other engines")
        weasyprint, reportlab = _peers(pages, 3 if quick else PEERS)
    return _figures(seconds, rate, weasyprint, reportlab)


def _figures(seconds: Seconds, rate: float, weasyprint: float, reportlab: float) -> list[Figure]:
    issued, bare = statistics.median(seconds.issued), statistics.median(seconds.bare)
    return [
        Figure("issued 住民票 over HTTP, p50", 1000 * issued, "ms"),
        Figure("issued 住民票 over HTTP, p99", 1000 * statistics.quantiles(seconds.issued, n=100)[98], "ms"),
        Figure("bare warm Typst compile, p50", 1000 * bare, "ms"),
        Figure("issued / bare Typst", issued / bare, "ratio", "<= 3"),
        Figure("issued at once", rate, "per second", ">= 60"),
        Figure("ReportLab, the same cells", 1000 * reportlab, "ms"),
        Figure("WeasyPrint, the same cells", 1000 * weasyprint, "ms"),
        Figure("issued / ReportLab", issued / reportlab, "ratio"),
        Figure("issued / WeasyPrint", issued / weasyprint, "ratio"),
    ]


def _singles(site: IssueSite, pages: Sequence[PageData], count: int) -> Seconds:
    """Alternately one request and one bare compile of the page of another household; the first ones only warm up."""
    renderer, town, seconds = Renderer(), get(CODE), Seconds([], [])
    with site.client() as client:
        for number in range(WARM_UP + count):
            body = _body(site.applicants[number % len(site.applicants)])
            issued = _timed(partial(_apply, client, body))
            page = pages[(number + len(pages) // 2) % len(pages)]
            bare = _timed(partial(renderer.compile, town, page))
            if number >= WARM_UP:
                seconds.issued.append(issued)
                seconds.bare.append(bare)
    return seconds


def _burst(site: IssueSite, count: int) -> float:
    """Certificates a second with several connections, after a burst that warms every thread of every process."""
    _at_once(site, BURST // 10)
    return _at_once(site, count)


def _at_once(site: IssueSite, count: int) -> float:
    bodies = [_body(one) for one in islice(_cycle(site.applicants), count)]
    shares = [bodies[start::CONNECTIONS] for start in range(CONNECTIONS)]

    def share(mine: Sequence[dict[str, Any]]) -> None:
        with site.client() as client:
            for body in mine:
                _apply(client, body)

    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(share, shares))
    return count / (time.perf_counter() - started)


def _peers(pages: Sequence[PageData], count: int) -> tuple[float, float]:
    medians = []
    for draw in (draw_weasyprint, draw_reportlab):
        draw(pages[0])
        medians.append(statistics.median(_timed(partial(draw, page)) for page in pages[1 : count + 1]))
    return medians[0], medians[1]


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _apply(client: httpx.Client, body: dict[str, Any]) -> None:
    response = client.post(f"/v1/{CODE}/applications", json=body)
    if response.status_code != 200 or not response.content.startswith(b"%PDF"):
        raise AssertionError(f"not issued: {response.json()['code']}")


_numbers = iter(range(10**9))


def _body(applicant: Applicant) -> dict[str, Any]:
    kind = Kind.RESIDENT_RECORD.value
    request_id = f"benchmark-{next(_numbers):09d}"
    return {"request_id": request_id, "kind": kind, "card_serial": applicant.card, "items": ITEMS}


def _page(applicant: Applicant) -> PageData:
    """The page that the server draws for this applicant."""
    items = frozenset(map(OptionalItem, ITEMS))
    asked = Application(request_id="benchmark", kind=Kind.RESIDENT_RECORD, card_serial=applicant.card, items=items)
    subject = Subject(applicant.person, applicant.household)
    return page_data(get(CODE), asked, subject, Issue("benchmark", "2026112400000001", system_clock()))


def _cycle(applicants: Sequence[Applicant]) -> Iterator[Applicant]:
    while True:
        yield from applicants

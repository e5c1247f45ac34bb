"""``./utsushi demo``: fictional towns from nothing, their registers loaded and kept up by Airflow, certificates in ``out/``."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from command_line.output import Output
from municipalities.site import CHECKOUT, home
from records.batch import FEEDS
from records.errors import EntryRefused, IssueRefused, UtsushiError

if TYPE_CHECKING:
    from services.airflow_client import AirflowClient

SMALL = {"364894": 800, "362999": 400, "364991": 300}
DIFFERENCES = 2
WITH_ITEMS = ("resident_record_certificate", "record_item_certificate")
TAX = "income_taxation_certificate"
ENTERED = ("name", "name_kana", "birth_on", "address", "registered_domicile", "family_register_head")
Rows = list[dict[str, Any]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``demo``."""
    parser.add_argument("--once", action="store_true", help="stop when the certificates lie there")
    parser.add_argument("--small", action="store_true", help="towns of some hundred people instead of thousands")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "out", help="folder for the PDFs (default: out/)")


def run(options: argparse.Namespace, output: Output) -> int:
    """Exit 0 only when every feed is verified and every certificate was issued."""
    from services import supervisor

    started = time.monotonic()
    _settle_world(options.small)
    output.say("starting PostgreSQL, Airflow, the issuing nodes and the fictional vendors …")
    # A demonstration may take place at night; a real installation keeps the service hours.
    with supervisor.services(output.say, world=True, options=("--always-open",)):
        feeds = _synchronise(output)
        certificates = _issue(options.out, output)
        output.rows("feeds", feeds)
        output.rows(f"certificates in {options.out}", certificates)
        output.rows("addresses", [asdict(address) for address in supervisor.addresses()])
        well = all(row["well"] for row in feeds) and all(row["issued"] for row in certificates) and bool(certificates)
        output.say(f"{'all is well' if well else 'SOMETHING IS WRONG'}, after {time.monotonic() - started:.0f} s")
        if not options.once:
            output.say("everything stays up until Ctrl-C")
            supervisor.wait(output.say)
    return 0 if well else 1


def _settle_world(small: bool) -> None:
    """The size of the world is decided once; a later run keeps its towns."""
    from simulators import settings

    if not (settings.folder() / "settings.json").exists():
        settings.write(settings.WorldSettings(sizes=SMALL) if small else settings.WorldSettings())


def _synchronise(output: Output) -> Rows:
    """Full sets where there are none yet, then a difference for every feed, all through Airflow."""
    from municipalities.registry import all_codes
    from services import airflow_client
    from simulators import commands

    with airflow_client.connect() as client:
        _full_loads(client, output)
        for round_number in range(1, DIFFERENCES + 1):
            for code in all_codes():
                commands.give({"municipality": code, "do": "tick"})
            states = _sync_runs(client, output, round_number)
    return [_feed_row(code, feed, states[code, feed]) for code, feed in _feeds()]


def _feeds() -> list[tuple[str, str]]:
    from municipalities.registry import all_codes

    return [(code, feed) for code in all_codes() for feed in FEEDS]


def _full_loads(client: AirflowClient, output: Output) -> None:
    """Load the full sets of feeds that have none, with a bar; a failed one ends the demo."""
    from loaders.ledger import last_applied
    from services import airflow_client

    wanted = [(code, feed) for code, feed in _feeds() if last_applied(code, feed) is None]
    if wanted:
        output.say(f"full sets (全件): {len(wanted)} feeds are loaded by Airflow …")
        runs = airflow_client.initialise_feeds(client, wanted)
        failed = [f"{code} {feed}" for (code, feed), run in zip(wanted, runs, strict=True) if run.state != "success"]
        if failed:
            raise UtsushiError(
                f"full sets failed: {', '.join(failed)}; the reason stands in Airflow and in ./utsushi status"
            )


def _sync_runs(client: AirflowClient, output: Output, round_number: int) -> dict[tuple[str, str], str]:
    """One sync run of every feed; the states they ended in."""
    from services import airflow_client

    stamp = time.time_ns()
    runs = {
        (code, feed): client.trigger(airflow_client.sync_dag_id(code, feed), run_id=f"demo-{stamp}-{round_number}")
        for code, feed in _feeds()
    }
    states = {}
    with output.progress(f"differences (異動) round {round_number}", len(runs)) as advance:
        for feed, run in runs.items():
            states[feed] = client.wait(run).state
            advance()
    return states


def _feed_row(code: str, feed: str, run: str) -> dict[str, Any]:
    from loaders.ledger import overview

    facts = overview(code, feed)
    return {
        "municipality": code,
        "feed": feed,
        "well": run == "success" and facts.last_applied is not None and not facts.withheld,
        "run": run,
        "last_applied": facts.last_applied,
        "withheld": facts.withheld,
    }


def _issue(out: Path, output: Output) -> Rows:
    """A card for each sample person, a registration for those who live elsewhere, and the certificates they ask for."""
    samples = _read("samples.json") + _registered()
    rows = []
    with output.progress("certificates (証明書)", sum(len(one["kinds"]) for one in samples)) as advance:
        for sample in samples:
            for kind in sample["kinds"]:
                rows.append(_issue_one(sample, kind, out))
                advance()
    return rows


def _read(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((home() / "world" / name).read_text("utf-8"))
    return found


def _registered() -> list[dict[str, Any]]:
    """People who live elsewhere apply for 利用登録, and staff approve; where a town makes them wait, nothing is asked."""
    from issuance_api.model import KOSEKI_KINDS
    from municipalities.registry import get
    from replica.registrations import approve, registrations
    from simulators.centre.kiosk import register

    ready = []
    for person in _read("non_residents.json"):
        code = person["municipality"]
        if get(code).issuing.registration_days:
            continue
        entered = {name: person[name] for name in ENTERED}
        register(code, f"demo-registration-{person['card']}", person["card"], entered)
        for one in registrations(code, "applied"):
            approve(code, one.id, "demo")
        ready.append({**person, "why": "町外の本籍者", "kinds": sorted(KOSEKI_KINDS)})
    return ready


def _link(sample: dict[str, Any]) -> None:
    from replica.cards import Link, link
    from replica.desk import Act

    card = Link(sample["card"], sample["addressee_number"], datetime.now(UTC) - timedelta(days=2))
    link(sample["municipality"], card, Act("demo", "a sample person's card"))


def _issue_one(sample: dict[str, Any], kind: str, out: Path) -> dict[str, Any]:
    from simulators.centre.kiosk import issue, offered_year
    from simulators.centre.orders import Application, new_request

    row = {"municipality": sample["municipality"], "kind": kind, "who": sample["why"]}
    items = ("relationship", "registered_domicile") if kind in WITH_ITEMS else ()
    try:
        if "addressee_number" in sample:
            _link(sample)
        year = offered_year(sample["municipality"], sample["card"]) if kind == TAX else None
        asked = Application(new_request(), kind, card=sample["card"], items=items, fiscal_year=year)
        issued = issue(sample["municipality"], asked, out)
    except (IssueRefused, EntryRefused) as refusal:
        return {**row, "issued": False, "file": refusal.text}
    return {**row, "issued": True, "file": Path(issued["file"]).name}

"""``./utsushi sync MUNICIPALITY FEED``: the same steps as the DAG, from SFTP or from a local folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from command_line.output import Output
from records.batch import FEEDS


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``sync``."""
    parser.add_argument("municipality", help="six-digit code, such as 364894")
    parser.add_argument("feed", choices=FEEDS)
    parser.add_argument(
        "--from", dest="folder", type=Path, metavar="DIR", help="read DIR in place of the vendor's SFTP"
    )
    parser.add_argument("--full", action="store_true", help="let the newest full set close a gap (as load_full does)")


def run(options: argparse.Namespace, output: Output) -> int:
    """One tick; starts PostgreSQL and makes the replica database when they are not there."""
    from extractors.sources import FolderSource
    from loaders.ledger import last_applied
    from loaders.waiting import waiting
    from municipalities.registry import get
    from services.database import database_ready
    from sync import steps

    municipality = get(options.municipality)
    source = FolderSource(options.folder) if options.folder else None
    with database_ready(municipality.code):
        # Files in a folder were laid down by a person: the very first full set there needs no further asking.
        first = source is not None and last_applied(municipality.code, options.feed) is None
        counts = steps.run(municipality.code, options.feed, full=options.full or first, source=source)
        alarms = [one.alarm_text for one in waiting(municipality.code) if options.feed in one.feeds]
    output.rows(
        f"{municipality.name} {options.feed}", [{"municipality": municipality.code, "feed": options.feed, **counts}]
    )
    for text in alarms:
        output.say(text)
    return 0

"""``./utsushi resend MUNICIPALITY FEED FROM TO``: asks the vendor, waits, applies and verifies, without Airflow."""

from __future__ import annotations

import argparse
import time

from command_line.output import Output
from records.batch import FEEDS
from records.errors import FeedError

POLL_SECONDS = 1.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``resend``."""
    parser.add_argument("municipality", help="six-digit code, such as 364894")
    parser.add_argument("feed", choices=FEEDS)
    parser.add_argument("first", type=int, metavar="FROM")
    parser.add_argument("last", type=int, metavar="TO")
    parser.add_argument("--wait", type=float, default=300, metavar="SECONDS", help="how long the vendor may take")


def run(options: argparse.Namespace, output: Output) -> int:
    """Ask, wait until all numbers are there, then run the steps."""
    from services.database import database_ready
    from sync import resend, steps

    code, feed, numbers = options.municipality, options.feed, (options.first, options.last)
    with database_ready(code):
        name = resend.ask(code, feed, *numbers)
        output.say(f"asked the vendor: {name}")
        deadline = time.monotonic() + options.wait
        while not resend.arrived(code, feed, *numbers):
            if time.monotonic() > deadline:
                raise FeedError(f"the vendor has not sent them after {options.wait:.0f} s")
            time.sleep(POLL_SECONDS)
        counts = steps.run(code, feed)
    output.rows("resend", [{"municipality": code, "feed": feed, "from": numbers[0], "to": numbers[1], **counts}])
    return 0

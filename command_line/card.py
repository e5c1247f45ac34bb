"""``./utsushi card MUNICIPALITY link|suspend|resume|unlink|list|history``: cards and phones linked to people (カード管理)."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

from command_line.output import Output

JST = timezone(timedelta(hours=9), "JST")
CHANGES = {
    "suspend": "stop a card until it is resumed (一時停止)",
    "resume": "let a suspended card be used again",
    "unlink": "end the link for good: the serial is never linked again",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``card``."""
    parser.add_argument("municipality", help="six-digit code, such as 364894")
    actions = parser.add_subparsers(dest="action", required=True)
    link = actions.add_parser("link", help="link a card or a phone to a person")
    link.add_argument("serial", help="利用者証明用電子証明書の発行番号")
    link.add_argument("addressee_number", help="宛名番号, 15 digits")
    link.add_argument("--medium", choices=("card", "phone"), default="card")
    link.add_argument(
        "--issued", type=_instant, help="issue of the electronic certificate: a day or an instant (default: now)"
    )
    link.add_argument("--usable-from", type=_instant, help="first instant (default: the first that the town allows)")
    link.add_argument("--usable-until", type=_instant, help="end of the certificate's validity")
    link.add_argument("--replaces", metavar="SERIAL", help="the person's serial that this one renews; it is unlinked")
    changes = [_change(actions, name, text) for name, text in CHANGES.items()]
    for one in (link, *changes):
        one.add_argument("--reason", required=True, help="why; it is kept")
        one.add_argument("--by", required=True, help="who acts")
    for name, text in (("list", "cards as they are now"), ("history", "every change of a card")):
        look = actions.add_parser(name, help=text)
        look.add_argument("serial", nargs="?", help="one card")
        look.add_argument("--person", metavar="ADDRESSEE_NUMBER", help="all cards of a person (宛名番号)")


def run(options: argparse.Namespace, output: Output) -> int:
    """Act as the console's role."""
    from replica import cards
    from replica.desk import Act

    code, action = options.municipality, options.action
    if action in ("list", "history"):
        look = cards.cards if action == "list" else cards.history
        rows = look(code, person=options.person, serial=options.serial)
        output.rows("cards" if action == "list" else "history of cards", [asdict(one) for one in rows])
        return 0
    act = Act(options.by, options.reason)
    if action == "link":
        is_new = cards.link(code, _link(options), act)
        output.rows("card", [{"municipality": code, "serial": options.serial, "linked": True, "new": is_new}])
        return 0
    {"suspend": cards.suspend, "resume": cards.resume, "unlink": cards.unlink}[action](code, options.serial, act)
    status = cards.cards(code, serial=options.serial)[0].status
    output.rows("card", [{"municipality": code, "serial": options.serial, "status": status}])
    return 0


def _change(actions: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text)
    parser.add_argument("serial", help="利用者証明用電子証明書の発行番号")
    return parser


def _link(options: argparse.Namespace) -> Any:
    from replica.cards import Link

    return Link(
        serial=options.serial,
        addressee_number=options.addressee_number,
        issued_at=options.issued or datetime.now(JST),
        usable_from=options.usable_from,
        usable_until=options.usable_until,
        medium=options.medium,
        replaces=options.replaces,
    )


def _instant(text: str) -> datetime:
    """A day (its first instant) or an instant; Japanese time where no offset is given."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write it like 2026-11-24 or 2026-11-24T09:00") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=JST)

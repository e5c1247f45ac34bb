"""``./utsushi card MUNICIPALITY link|suspend|resume|unlink|issuer|list|history|issuers``: cards of people (カード管理)."""

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
    "unlink": "end the link for good: the certificate is never linked again",
}
ISSUER = "発行した認証局: its name in [jpki] of site.toml, or the SHA-256 of its public key"


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
    link.add_argument("--replaces-issuer", metavar="ISSUER", help="whose serial that was, where two gave it")
    changes = [_change(actions, name, text) for name, text in CHANGES.items()]
    naming = _change(actions, "issuer", "say which authority issued a certificate that was linked by its serial alone")
    for one in (link, *changes, naming):
        one.add_argument("--issuer", required=one is naming, help=ISSUER)
        one.add_argument("--reason", required=True, help="why; it is kept")
        one.add_argument("--by", required=True, help="who acts")
    for name, text in (("list", "cards as they are now"), ("history", "every change of a card")):
        look = actions.add_parser(name, help=text)
        look.add_argument("serial", nargs="?", help="one card")
        look.add_argument("--person", metavar="ADDRESSEE_NUMBER", help="all cards of a person (宛名番号)")
    actions.add_parser("issuers", help="the authorities of this site, as --issuer takes them")


def run(options: argparse.Namespace, output: Output) -> int:
    """Act as the console's role."""
    from replica import cards
    from replica.desk import Act

    code, action = options.municipality, options.action
    if action == "issuers":
        output.rows("issuers", _issuers())
        return 0
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
    issuer = _issuer(options.issuer)
    if action == "issuer":
        cards.name_issuer(code, options.serial, issuer or "", act)
    else:
        move = {"suspend": cards.suspend, "resume": cards.resume, "unlink": cards.unlink}[action]
        move(code, options.serial, act, issuer=issuer)
    there = cards.cards(code, serial=options.serial)
    card = next(one for one in there if issuer in (None, one.issuer_sha256))
    changed = {"serial": card.serial, "issuer_sha256": card.issuer_sha256, "status": card.status}
    output.rows("card", [{"municipality": code, **changed}])
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
        issuer_sha256=_linked_issuer(options.issuer),
        replaces=options.replaces,
        replaces_issuer=_issuer(options.replaces_issuer),
    )


def _linked_issuer(given: str | None) -> str | None:
    """A card linked without its issuer would serve nobody where we verify, and the site does not let it."""
    from issuance_api.jpki.settings import site_settings
    from records.errors import EntryRefused

    if given is None and not site_settings().links_without_issuer:
        raise EntryRefused("this site verifies certificates itself: say the issuer (--issuer)")
    return _issuer(given)


def _issuer(given: str | None) -> str | None:
    """The SHA-256 of the authority's public key, by its name or as it was given."""
    if given is None:
        return None
    return next((one["issuer_sha256"] for one in _issuers() if one["name"] == given), given)


def _issuers() -> list[dict[str, str]]:
    from issuance_api.jpki.settings import site_settings

    return [
        {
            "name": one.name or "",
            "issuer_sha256": one.key_sha256,
            "subject": one.anchor.certificate.subject.rfc4514_string(),
            "valid_until": one.anchor.certificate.not_valid_after_utc.isoformat(),
        }
        for one in site_settings().authorities
    ]


def _instant(text: str) -> datetime:
    """A day (its first instant) or an instant; Japanese time where no offset is given."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write it like 2026-11-24 or 2026-11-24T09:00") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=JST)

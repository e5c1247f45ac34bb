"""``./utsushi registration MUNICIPALITY list|show|approve|reject|stop``: usage registrations (利用登録申請の審査)."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from command_line.output import Output

LISTED = ("id", "state", "channel", "medium", "applied_at", "decided_by", "usable_from", "stopped_at")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``registration``."""
    parser.add_argument("municipality", help="six-digit code, such as 364894")
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="registrations without names")
    listing.add_argument("--state", choices=("applied", "approved", "rejected", "stopped"))
    texts = {
        "show": "one registration with all that has to be compared with the 戸籍",
        "approve": "approve it; it may be used after the town's number of days",
        "reject": "reject it with a reason",
        "stop": "stop an approved one, at once and for good",
    }
    for name, text in texts.items():
        one = actions.add_parser(name, help=text)
        one.add_argument("number", type=int, help="利用登録番号")
        if name != "show":
            one.add_argument("--by", required=True, help="who decides")
        if name in ("reject", "stop"):
            one.add_argument("--reason", required=True, help="why; it is kept")


def run(options: argparse.Namespace, output: Output) -> int:
    """Act as the console's role."""
    from replica import registrations
    from replica.desk import Act

    code = options.municipality
    if options.action == "list":
        found = [asdict(one) for one in registrations.registrations(code, options.state)]
        output.rows("registrations", [{key: one[key] for key in LISTED} for one in found])
        return 0
    if options.action == "approve":
        registrations.approve(code, options.number, options.by)
    elif options.action == "reject":
        registrations.reject(code, options.number, Act(options.by, options.reason))
    elif options.action == "stop":
        registrations.stop(code, options.number, Act(options.by, options.reason))
    one = asdict(registrations.registration(code, options.number))
    if output.json_lines:
        output.rows("registration", [one])
    else:
        output.rows("registration", [{"item": key, "content": value} for key, value in one.items()])
    return 0

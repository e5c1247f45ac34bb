"""``./utsushi up``: starts the services and stays until Ctrl-C, or with ``--detach`` leaves them running."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from command_line.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``up``."""
    parser.add_argument("--world", action="store_true", help="with the fictional vendors")
    parser.add_argument("--detach", action="store_true", help="leave the services running; ./utsushi down ends them")


def run(options: argparse.Namespace, output: Output) -> int:
    """Start, print addresses and logins, and wait."""
    from services import supervisor

    supervisor.start(output.say, world=options.world, detach=options.detach)
    output.rows("addresses", [asdict(address) for address in supervisor.addresses()])
    if not options.detach:
        try:
            supervisor.wait(output.say)
        finally:
            supervisor.down(output.say)
    return 0

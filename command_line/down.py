"""``./utsushi down``: ends everything that ``up`` started."""

from __future__ import annotations

import argparse

from command_line.output import Output


def configure(parser: argparse.ArgumentParser) -> None:
    """``down`` has no arguments of its own."""


def run(options: argparse.Namespace, output: Output) -> int:
    """Only processes that are still the recorded ones are ended."""
    from services import supervisor

    was_running = supervisor.down(output.say)
    output.say("all services have ended" if was_running else "no service was running")
    return 0

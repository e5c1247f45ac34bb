"""Options of ``python -m simulators.run``: what is given is kept as the installation's settings."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from simulators import settings


def settle(given: Sequence[str] | None = None) -> settings.WorldSettings:
    """The settings to run with; options win over ``settings.json``, and are written there."""
    options = _parser().parse_args(given)
    if options.home is not None:
        os.environ["UTSUSHI_HOME"] = str(options.home.resolve())
    old = settings.read()
    names = ("seed", "sizes", "tick_seconds", "events")
    new = replace(old, **{name: getattr(options, name) for name in names if getattr(options, name) is not None})
    if new != old:
        settings.write(new)
    return new


def sizes(text: str) -> dict[str, int]:
    """``364894=14000,362999=3000`` → residents per municipality."""
    pairs = [one.split("=") for one in text.split(",")]
    if any(len(pair) != 2 or not pair[1].isdigit() or int(pair[1]) < 1 for pair in pairs):
        raise argparse.ArgumentTypeError("expected CODE=RESIDENTS, separated by commas")
    return {code: int(count) for code, count in pairs}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators.run", description="fictional vendors with SFTP servers")
    parser.add_argument("--home", type=Path, help="state folder (default: UTSUSHI_HOME)")
    parser.add_argument("--seed", type=int, help="the same seed and sizes give the same towns")
    parser.add_argument("--sizes", type=sizes, help="residents, such as 364894=14000,362999=3000")
    parser.add_argument("--tick-seconds", type=float, help="seconds between differences; 0: only on command")
    parser.add_argument("--events", type=int, help="events in each difference")
    return parser

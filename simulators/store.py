"""Keeps a vendor (its town, numbers and files) between two runs of the simulation."""

from __future__ import annotations

import os
import pickle
import sys
from functools import partial
from pathlib import Path

from records.errors import ConfigurationError, Place
from simulators.settings import WorldSettings, folder
from simulators.vendors.vendor import Vendor
from simulators.world import town

STATE_VERSION = 2


def path(code: str) -> Path:
    """Where a vendor's state lies."""
    return folder() / f"{code}.pickle"


def make(code: str, settings: WorldSettings) -> None:
    """Build a town, write its three full sets as number 1, and keep the state; progress goes to stderr and a file."""
    from municipalities.registry import get

    built = town.build(get(code), settings.seed, settings.sizes[code], partial(_tell, code))
    vendor = Vendor(built, folder() / code)
    vendor.keep = partial(save, code, vendor)
    for feed in vendor.sequence:
        vendor.full_set(feed)
    save(code, vendor)


def progress(code: str) -> tuple[int, int]:
    """How many residents are built, of how many."""
    if not _progress(code).exists():
        return 0, 0
    done, _, size = _progress(code).read_text("ascii").partition(" ")
    return (int(done), int(size)) if size else (0, 0)


def save(code: str, vendor: Vendor) -> None:
    """Replace the state atomically."""
    part = path(code).with_suffix(".part")
    with part.open("wb") as file:
        pickle.dump((STATE_VERSION, vendor), file, protocol=5)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path(code))


def peek(code: str) -> Vendor:
    """The kept state as it is, for somebody who only looks; nothing is delivered."""
    with path(code).open("rb") as file:
        kept = pickle.load(file)  # noqa: S301 - our own file below the state folder
    vendor: Vendor = kept[1]
    return vendor


def load(code: str) -> Vendor:
    """The kept state, with what was written but not delivered delivered now.

    It is our own file below the state folder, never somebody else's. ``ConfigurationError`` for another version's.
    """
    with path(code).open("rb") as file:
        kept = pickle.load(file)  # noqa: S301
    if not isinstance(kept, tuple) or kept[0] != STATE_VERSION:
        raise ConfigurationError(
            "the fictional towns are of another version: remove the state folder", Place(file.name)
        )
    vendor = kept[1]
    assert isinstance(vendor, Vendor)
    vendor.keep = partial(save, code, vendor)
    vendor.publish()
    return vendor


def _tell(code: str, done: int, size: int) -> None:
    sys.stderr.write(f"progress {code} {done}/{size}\n")
    sys.stderr.flush()
    part = _progress(code).with_suffix(".progress.part")
    part.write_text(f"{done} {size}", "ascii")
    os.replace(part, _progress(code))


def _progress(code: str) -> Path:
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder() / f"{code}.progress"

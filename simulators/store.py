"""Keeps a vendor (its town, numbers and files) between two runs of the simulation."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

from simulators.settings import WorldSettings, folder
from simulators.vendors.vendor import Vendor
from simulators.world import town


def path(code: str) -> Path:
    """Where a vendor's state lies."""
    return folder() / f"{code}.pickle"


def make(code: str, settings: WorldSettings) -> None:
    """Build a town, write its three full sets as number 1, and keep the state."""
    from municipalities.registry import get

    def tell(done: int, size: int) -> None:
        _progress(code).write_text(f"{done} {size}", "ascii")

    built = town.build(get(code), settings.seed, settings.sizes[code], tell)
    vendor = Vendor(built, folder() / code)
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
        pickle.dump(vendor, file, protocol=5)
    os.replace(part, path(code))


def load(code: str) -> Vendor:
    """The kept state. It is our own file below the state folder, never somebody else's."""
    with path(code).open("rb") as file:
        vendor = pickle.load(file)  # noqa: S301
    assert isinstance(vendor, Vendor)
    return vendor


def _progress(code: str) -> Path:
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder() / f"{code}.progress"

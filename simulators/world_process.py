"""What the running simulation does between two looks around: resend requests, commands, the clock. No network here."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from records.errors import UtsushiError
from simulators import settings, store
from simulators.sftp_server import TROUBLES, Trouble
from simulators.vendors.vendor import Vendor, state
from simulators.world import events
from simulators.world.samples import samples

DELIVERING = ("tick", "full_set")  # a vendor keeps its state itself before it delivers
JST = timezone(timedelta(hours=9), "JST")


class World:
    """All vendors of this installation."""

    def __init__(self, wanted: settings.WorldSettings) -> None:
        self.settings = wanted
        self.vendors: dict[str, Vendor] = {}
        self.troubles = {code: Trouble() for code in wanted.sizes}
        self.next_tick = 0.0

    def prepare(self) -> None:
        """Build the towns that are not there yet (on all cores, the largest first) and read the others."""
        (settings.folder() / "commands").mkdir(parents=True, exist_ok=True)
        missing = [code for code in self.settings.sizes if not store.path(code).exists()]
        missing.sort(key=lambda code: -self.settings.sizes[code])
        with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
            list(pool.map(store.make, missing, [self.settings] * len(missing)))
        self.vendors = {code: store.load(code) for code in self.settings.sizes}
        self._choose()
        self.next_tick = time.monotonic() + self.settings.tick_seconds

    def step(self) -> None:
        """One look around."""
        for vendor in self.vendors.values():
            vendor.answer_requests()
        for path in sorted((settings.folder() / "commands").glob("*.json")):
            text = path.read_text("utf-8")
            path.unlink()  # first, so that a command is never carried out twice
            _write(path.with_suffix(".done"), self.answer(text))
        if self.settings.tick_seconds and time.monotonic() >= self.next_tick:
            self.next_tick = time.monotonic() + self.settings.tick_seconds
            for code in self.vendors:
                self.obey({"municipality": code, "do": "tick"})

    def answer(self, text: str) -> dict[str, Any]:
        """Carry out one command as it was written; a mistake in it is told, and nothing ends."""
        try:
            return self.obey(json.loads(text))
        except (KeyError, ValueError, TypeError, UtsushiError) as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command; the numbers of that vendor afterwards."""
        code = command["municipality"]
        vendor = self.vendors[code]
        vendor.town.today = max(vendor.town.today, datetime.now(JST).date())
        actions: dict[str, Callable[[], object]] = {
            "tick": lambda: vendor.tick(int(command.get("events", self.settings.events))),
            "event": lambda: events.ALL[command["event"]](vendor.town),
            "break": lambda: vendor.break_next(command["feed"], command["how"]),
            "full_set": lambda: vendor.full_set(command["feed"]),
            "finish": vendor.finish_uploads,
            "trouble": lambda: self._trouble(code, command["kind"]),
            "save": lambda: None,
        }
        actions[command["do"]]()
        if command["do"] not in DELIVERING:
            store.save(code, vendor)
        self._choose()  # an event may have cancelled a sample's seal
        return state(vendor)

    def _choose(self) -> None:
        chosen = [one._asdict() for vendor in self.vendors.values() for one in samples(vendor.town)]
        _write(settings.folder() / "samples.json", chosen)

    def _trouble(self, code: str, kind: str) -> None:
        if kind not in TROUBLES:
            raise KeyError(kind)
        self.troubles[code].kind = kind


def _write(path: Path, value: object) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    os.replace(part, path)

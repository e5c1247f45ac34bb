"""``python -m simulators.run``: the fictional vendors as one process: builds their towns once, serves SFTP, lets time run.

Commands come as files: ``UTSUSHI_HOME/world/commands/<name>.json`` with ``{"municipality": "364894", "do": "tick",
"events": 5}``, or ``break`` (with ``feed`` and ``how``), ``full_set`` (with ``feed``) or ``save``. The answer is
``<name>.done`` beside it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import asyncssh

from municipalities.site import Site, home, site, write_site
from records.errors import ConfigurationError
from simulators import settings, store
from simulators.sftp_server import USER, ensure_key, public_line, serve
from simulators.vendors.vendor import Vendor, state
from simulators.world.samples import samples

POLL_SECONDS = 0.5
CLIENT_KEY = "secrets/vendor_client_key"


class World:
    """All vendors of this installation."""

    def __init__(self, wanted: settings.WorldSettings) -> None:
        self.settings = wanted
        self.vendors: dict[str, Vendor] = {}
        self.next_tick = time.monotonic() + wanted.tick_seconds

    def prepare(self) -> None:
        """Build the towns that are not there yet (on all cores) and read the others."""
        missing = [code for code in self.settings.sizes if not store.path(code).exists()]
        with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
            list(pool.map(store.make, missing, [self.settings] * len(missing)))
        self.vendors = {code: store.load(code) for code in self.settings.sizes}
        chosen = [one._asdict() for vendor in self.vendors.values() for one in samples(vendor.town)]
        _write(settings.folder() / "samples.json", chosen)

    def step(self) -> None:
        """One look around: requests, commands, and the clock."""
        for vendor in self.vendors.values():
            vendor.answer_requests()
        for path in sorted((settings.folder() / "commands").glob("*.json")):
            _write(path.with_suffix(".done"), self.obey(json.loads(path.read_text("utf-8"))))
            path.unlink()
        if self.settings.tick_seconds and time.monotonic() >= self.next_tick:
            self.next_tick += self.settings.tick_seconds
            for code in self.vendors:
                self.obey({"municipality": code, "do": "tick"})

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command; the numbers of that vendor afterwards."""
        vendor = self.vendors[command["municipality"]]
        actions: dict[str, Callable[[], object]] = {
            "tick": lambda: vendor.tick(command.get("events", self.settings.events)),
            "break": lambda: vendor.break_next(command["feed"], command["how"]),
            "full_set": lambda: vendor.full_set(command["feed"]),
            "save": lambda: None,
        }
        actions[command["do"]]()
        store.save(command["municipality"], vendor)
        return state(vendor)


async def main() -> None:
    """Serve until the process is told to end."""
    wanted = settings.read()
    world = World(wanted)
    (settings.folder() / "commands").mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(world.prepare)
    client_key = ensure_key(home() / CLIENT_KEY)
    servers = [await _serve(code, client_key) for code in world.vendors]
    _announce({code: server for code, server in zip(world.vendors, servers, strict=True)})
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    while not ended.is_set():
        await asyncio.to_thread(world.step)
        await _sleep(ended, POLL_SECONDS)


async def _sleep(ended: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(ended.wait(), seconds)
    except TimeoutError:
        return


async def _serve(code: str, client_key: asyncssh.SSHKey) -> asyncssh.SSHAcceptor:
    """On the port of the last run if it is still free."""
    host_key = ensure_key(settings.folder() / "keys" / f"{code}_host_key")
    folder = settings.folder() / code
    try:
        return await serve(folder, host_key, client_key, _old_port(code))
    except OSError:
        return await serve(folder, host_key, client_key)


def _old_port(code: str) -> int:
    try:
        return int(site().vendors.get(code, {}).get("port", 0))
    except ConfigurationError:
        return 0


def _announce(servers: dict[str, asyncssh.SSHAcceptor]) -> None:
    """Write the addresses and pinned host keys into ``site.toml``, as an operator would."""
    vendors = {
        code: {
            "host": "127.0.0.1",
            "port": server.get_port(),
            "user": USER,
            "host_key": public_line(ensure_key(settings.folder() / "keys" / f"{code}_host_key")),
            "key_file": CLIENT_KEY,
        }
        for code, server in servers.items()
    }
    old = _site()
    write_site(Site(old.postgres, {**old.vendors, **vendors}))


def _site() -> Site:
    try:
        return site()
    except ConfigurationError:
        return Site()


def _write(path: Path, value: object) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    os.replace(part, path)


if __name__ == "__main__":
    asyncio.run(main())

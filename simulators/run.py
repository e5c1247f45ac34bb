"""``python -m simulators.run``: the fictional vendors as one process: builds their towns once, serves SFTP, lets time run.

Commands come as files: ``UTSUSHI_HOME/world/commands/<name>.json`` with ``municipality`` and ``do``:

| do | further keys | what happens |
| --- | --- | --- |
| ``tick`` | ``events`` | so many events, then a difference per feed |
| ``event`` | ``event`` | one event by its name (see ``world.events.ALL``), nothing is sent yet |
| ``break`` | ``feed``, ``how`` | the next file of the feed is spoilt (see ``vendors.mischief.KINDS``) |
| ``full_set`` | ``feed`` | the whole register as the next number |
| ``finish`` | | uploads under way come to their end |
| ``trouble`` | ``kind`` | the connection goes wrong (see ``sftp_server.TROUBLES``) |
| ``save`` | | the state is kept |

The answer is ``<name>.done`` beside it: the vendor's numbers, or ``{"error": …}``.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import asyncssh

from municipalities.site import change_site, home, site
from records.errors import ConfigurationError
from simulators import arguments, settings
from simulators.sftp_server import USER, Trouble, ensure_key, public_line, serve
from simulators.world_process import World

POLL_SECONDS = 0.3
CLIENT_KEY = "secrets/vendor_client_key"


class Server(NamedTuple):
    """One vendor's running SFTP server."""

    acceptor: asyncssh.SSHAcceptor
    trouble: Trouble


async def main(wanted: settings.WorldSettings) -> None:
    """Serve until the process is told to end."""
    world = World(wanted)
    await asyncio.to_thread(world.prepare)
    client_key = ensure_key(home() / CLIENT_KEY)
    servers = {code: await _serve(code, client_key, world.troubles[code]) for code in world.vendors}
    _announce({code: server.acceptor.get_port() for code, server in servers.items()})
    sys.stderr.write(f"ready {datetime.now().astimezone().isoformat(timespec='seconds')}\n")
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    while not ended.is_set():
        await asyncio.to_thread(world.step)
        await _sleep(ended, POLL_SECONDS)
    for server in servers.values():
        server.acceptor.close()


async def _sleep(ended: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(ended.wait(), seconds)
    except TimeoutError:
        return


async def _serve(code: str, client_key: asyncssh.SSHKey, trouble: Trouble) -> Server:
    """On the port of the last run if it is still free."""
    host_key = ensure_key(settings.folder() / "keys" / f"{code}_host_key")
    folder = settings.folder() / code
    try:
        return Server(await serve(folder, host_key, client_key, _old_port(code), trouble), trouble)
    except OSError:
        return Server(await serve(folder, host_key, client_key, 0, trouble), trouble)


def _old_port(code: str) -> int:
    try:
        return int(site().vendors.get(code, {}).get("port", 0))
    except ConfigurationError:
        return 0


def _announce(ports: dict[str, int]) -> None:
    """Write the addresses and pinned host keys into ``site.toml``, as an operator would."""
    vendors = {
        code: {
            "host": "127.0.0.1",
            "port": port,
            "user": USER,
            "host_key": public_line(ensure_key(settings.folder() / "keys" / f"{code}_host_key")),
            "key_file": CLIENT_KEY,
        }
        for code, port in ports.items()
    }
    change_site(lambda old: replace(old, vendors={**old.vendors, **vendors}))


def start(given: Sequence[str] | None = None) -> None:
    """From the command line; without options the installation's settings, or the defaults."""
    asyncio.run(main(arguments.settle(given)))


if __name__ == "__main__":
    start()

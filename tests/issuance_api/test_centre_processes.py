"""Two real processes behind one port, as ``./utsushi up`` starts them; one of them is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from fictional_people import CODE
from issuing_town import change, fill, owner, states
from wide_area_site import application, wait_until

from issuance_api.service_hours import JST
from municipalities.site import CHECKOUT, home
from records.errors import TransferError
from simulators.centre.answers import Issued, Ledger
from simulators.centre.certificates import identity, prepare
from simulators.centre.client import Centre


@contextmanager
def node(name: str, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One process, which is told to stop in the end if it still lives."""
    command = [sys.executable, "-m", "issuance_api", "--name", name, "--municipalities", CODE, "--always-open"]
    command += ["--port", "0", "--centre-port", str(port), "--no-address-file"]
    environment = {**os.environ, "UTSUSHI_HOME": str(home()), "PYTHONPATH": str(CHECKOUT)}
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=file, stderr=file, env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def working_on(request_id: str) -> str:
    """The name of the node that has the request."""
    with owner() as connection:
        row = connection.execute("select node from issuance.request where request_id = %s", (request_id,)).fetchone()
    assert row
    return str(row[0]).rpartition("-")[0]


def living() -> int:
    with owner() as connection:
        row = connection.execute("select count(*) from issuance.node where state = 'ready'").fetchone()
    assert row
    return int(row[0])


@pytest.mark.clause("2(2)①", "6(4)①")
def test_a_node_is_killed_and_the_other_gives_the_same_bytes(issuing_site: str, tmp_path: Path) -> None:
    """Faults 53 and 60: before the kill on both nodes, after it on new connections."""
    fill(datetime.now(JST))
    prepare([CODE])
    change("delete from issuance.node")
    port, ledger = free_port(), Ledger()
    with ExitStack() as stack:
        nodes = {name: stack.enter_context(node(name, port, tmp_path / name)) for name in ("one", "two")}
        wait_until(lambda: living() == 2)
        served: dict[str, Issued] = {}
        for number in range(40):
            with Centre("127.0.0.1", port, CODE, identity(), ledger=ledger) as line:
                issued = line.apply(application(f"request-{number:04d}"))
            served.setdefault(working_on(issued.request_id), issued)
        assert set(served) == {"one", "two"}  # the kernel spreads the connections
        nodes["one"].kill()
        nodes["one"].wait(20)
        for issued in served.values():
            with Centre("127.0.0.1", port, CODE, identity(), ledger=ledger) as line:
                assert line.apply(application(issued.request_id)).sha256 == issued.sha256
                assert line.report(issued.request_id, "printed")["State"] == "printed"
            assert states(issued.request_id).count("sent") == 1
        nodes["two"].send_signal(signal.SIGTERM)
        assert nodes["two"].wait(60) == 0
    with Centre("127.0.0.1", port, CODE, identity()) as line, pytest.raises(TransferError):
        line.alive()
    logged = "".join((tmp_path / name).read_text("utf-8") for name in nodes)
    assert '"operation": "apply"' in logged
    assert "CARD" not in logged

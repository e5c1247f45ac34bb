"""Certificates live in memory only (痕跡を残さない): a real node that may not write one byte to any file issues them all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx
import psutil
import pytest
from fictional_people import CODE, FATHER
from issuing_town import CARD, fill

from issuance_api.model import REPLICA_KINDS, Kind
from issuance_api.service_hours import JST
from municipalities.registry import get
from municipalities.site import CHECKOUT, home

DUMPABLE = "import ctypes\nfrom issuance_api.memory import leave_nothing_behind\nleave_nothing_behind()\n" + (
    "import resource\nprint(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))"
)


# The kernel refuses every write to a file, in this process and in those that it starts.
WRITES_NOTHING = (
    "import resource, runpy\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    "runpy.run_module('issuance_api', run_name='__main__', alter_sys=True)"
)


@contextmanager
def real_node(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process as on an issuance host, in empty folders of its own; gives it and its address."""
    command = [sys.executable, "-c", WRITES_NOTHING, "--always-open", "--no-address-file", "--municipalities", CODE]
    environment = os.environ | {
        "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder / "user"),
        "PYTHONPATH": str(CHECKOUT),
    }
    for name in ("tmp", "user", "here"):
        (folder / name).mkdir()
    process = subprocess.Popen(
        command,
        cwd=folder / "here",
        env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout
        yield process, process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(30)


def tree(*folders: Path) -> dict[str, str]:
    """Every file below, with the hash of its content."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.fault(125)
@pytest.mark.clause("7(2)②")
def test_all_kinds_are_issued_by_a_node_that_can_write_no_file(issuing_site: str, tmp_path: Path) -> None:
    fill(datetime.now(JST))
    token = {"Authorization": f"Bearer {issuing_site}"}
    with real_node(tmp_path) as (process, address), httpx.Client(base_url=address, headers=token, timeout=60) as client:
        while client.get("/readyz").status_code != 200:
            assert process.poll() is None
        before = tree(tmp_path, home())
        for number, kind in enumerate(sorted(REPLICA_KINDS)):
            year = {"fiscal_year": get(CODE).issuing.tax_year} if kind is Kind.INCOME_TAXATION else {}
            body = {"request_id": f"request-{number:04d}", "kind": kind.value, "card_serial": CARD, **year}
            response = client.post(f"/v1/{CODE}/applications", json=body)
            assert response.status_code == 200, response.text
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        assert len(family) > 1
        for one in family:
            assert one.rlimit(psutil.RLIMIT_CORE) == (0, 0)
            assert not [file.path for file in one.open_files() if file.mode != "r"]
        assert tree(tmp_path, home()) == before
    assert tree(tmp_path, home()) == before
    assert not [path for path in before if FATHER.name.encode() in Path(path).read_bytes()]


@pytest.mark.fault(125)
def test_the_kernel_dumps_no_such_process() -> None:
    shown = subprocess.run([sys.executable, "-c", DUMPABLE], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["0", "(0,", "0)"]

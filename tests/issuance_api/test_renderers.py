"""Renderers that die, hang or answer late (作成プロセスの異常): the right page, or none; never the one before."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import psutil
import pytest
from fictional_people import CODE, FATHER, MOTHER
from issuing_town import CARD, MOTHERS_CARD, states, text_of
from starlette.testclient import TestClient

from issuance_api import metrics
from issuance_api.forms import Issue, PageData, Subject, page_data
from issuance_api.model import Application, Kind
from issuance_api.renderer import pool as pools
from issuance_api.renderer.frames import BrokenFrame, Job, frame, head, page_of
from issuance_api.renderer.pool import RendererLost, RendererPool, open_renderers
from issuance_api.rendering import Renderer, form_of
from issuance_api.service_hours import JST
from municipalities.registry import get
from records.errors import CheckFailed, ConfigurationError, IssueRefused
from records.records import Resident

TOWN = get(CODE)
STALE = """
import socket, sys
from issuance_api.renderer.__main__ import Compiler, _answer
from issuance_api.renderer.frames import HEAD, Job, frame, head
node, before = socket.socket(fileno=int(sys.argv[1])), None
with node.makefile("rb") as jobs:
    while start := jobs.read(HEAD.size):
        length, token = head(start)
        answer = frame(token, _answer(Compiler(), Job.decode(jobs.read(length))))
        node.sendall(before or answer)  # the one before, once there is one
        before = answer
"""


def page_for(person: Resident, number: int = 1) -> PageData:
    from datetime import datetime

    asked = Application(request_id=f"request-{number:04d}", kind=Kind.RESIDENT_RECORD, card_serial=CARD)
    issue = Issue(asked.request_id, f"20261124{number:08d}", datetime(2026, 11, 24, 10, tzinfo=JST))
    return page_data(TOWN, asked, Subject(person, (person,)), issue)


def children() -> set[int]:
    """The renderers that this process has now."""
    found = set()
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "issuance_api.renderer" in " ".join(one.cmdline()) and one.status() != psutil.STATUS_ZOMBIE:
                found.add(one.pid)
    return found


@asynccontextmanager
async def stopped(pool: RendererPool) -> AsyncIterator[list[int]]:
    """All renderers of the pool stand still while the block runs."""
    pids = [one.process.pid for one in pool._all]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield pids
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def with_pool(run: Callable[[RendererPool], Awaitable[Any]], count: int = 1) -> Any:
    async def inside() -> Any:
        async with open_renderers(count) as pool:
            return await run(pool)

    return asyncio.run(inside())


def test_the_same_bytes_as_in_this_process() -> None:
    page = page_for(FATHER)
    assert with_pool(lambda pool: pool.draw(TOWN, page)) == Renderer().render(TOWN, page)


def test_many_at_once_each_get_their_own_page() -> None:
    """Two renderers, forty pages in no order: every page is that of its person and its issue."""
    pages = [page_for((FATHER, MOTHER)[number % 2], number) for number in range(40)]

    async def run(pool: RendererPool) -> list[bytes]:
        return await asyncio.gather(*(pool.draw(TOWN, page) for page in pages))

    for page, pdf in zip(pages, with_pool(run, 2), strict=True):
        text = text_of(pdf)
        assert page.values["serial"] in text
        assert page.values["people"][0]["name"].replace("　", "") in text


@pytest.mark.fault(60)
def test_a_renderer_killed_while_it_draws_is_replaced_and_the_page_is_drawn() -> None:
    page = page_for(FATHER)

    async def run(pool: RendererPool) -> bytes:
        async with stopped(pool) as pids:
            drawing = asyncio.create_task(pool.draw(TOWN, page))
            await asyncio.sleep(0.1)
            os.kill(pids[0], signal.SIGKILL)
            return await drawing

    replaced = metrics.renderers_replaced._value.get()
    assert with_pool(run) == Renderer().render(TOWN, page)
    assert metrics.renderers_replaced._value.get() == replaced + 1


@pytest.mark.fault(60)
def test_renderers_that_keep_dying_over_a_page_give_none() -> None:
    async def run(pool: RendererPool) -> None:
        with pytest.raises(RendererLost):
            await pool.draw(TOWN, page_for(FATHER))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pools, "COMMAND", (sys.executable, "-c", "import os; os._exit(9)"))
        with_pool(run)


@pytest.mark.fault(55)
def test_who_gives_up_takes_the_renderer_along() -> None:
    """横浜 2023-03-27: a time-out released the queue only. Here the one that still draws ends with the request."""

    async def run(pool: RendererPool) -> bytes:
        async with stopped(pool) as pids:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await pool.draw(TOWN, page_for(MOTHER))
        pdf = await pool.draw(TOWN, page_for(FATHER))
        assert not psutil.pid_exists(pids[0])
        return pdf

    assert with_pool(run) == Renderer().render(TOWN, page_for(FATHER))


@pytest.mark.fault(123)
def test_an_answer_to_the_job_before_is_no_answer() -> None:
    """A renderer that answers with the previous person's page, under the previous job's token."""

    async def run(pool: RendererPool) -> None:
        first = await pool.draw(TOWN, page_for(MOTHER))
        assert first == Renderer().render(TOWN, page_for(MOTHER))
        second = await pool.draw(TOWN, page_for(FATHER, 2))  # the stale one is ended, its successor is new
        assert second == Renderer().render(TOWN, page_for(FATHER, 2))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pools, "COMMAND", (sys.executable, "-c", STALE))
        with_pool(run)


def test_renderers_end_with_their_node() -> None:
    """Also when it is killed."""
    node = (
        "import asyncio, sys\nfrom issuance_api.renderer.pool import open_renderers\n"
        "async def main():\n async with open_renderers(2) as pool:\n"
        "  print(*(one.process.pid for one in pool._all), flush=True); await asyncio.sleep(60)\nasyncio.run(main())"
    )

    async def run() -> list[int]:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", node, stdout=asyncio.subprocess.PIPE)
        assert process.stdout
        pids = [int(one) for one in (await process.stdout.readline()).split()]
        process.kill()
        await process.wait()
        return pids

    pids = asyncio.run(run())
    assert len(pids) == 2
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.fault(125)
def test_a_renderer_knows_no_secret_and_leaves_no_core() -> None:
    async def run(pool: RendererPool) -> None:
        await pool.draw(TOWN, page_for(FATHER))
        process = psutil.Process(next(iter(pool._all)).process.pid)
        assert set(process.environ()) <= {"PYTHONPATH", "PATH", "LANG", "LC_CTYPE"}
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert not [one for one in process.open_files() if one.mode != "r"]

    with_pool(run)


def test_refusals_of_a_renderer_are_the_ones_of_this_process() -> None:
    async def run(pool: RendererPool) -> None:
        long = page_for(FATHER)
        long.values["address"] = "大字" * 400
        with pytest.raises(IssueRefused) as refused:
            await pool.draw(TOWN, long)
        assert (refused.value.code, refused.value.place.field) == ("text_beyond_limit", "address")
        broken = page_for(FATHER)
        del broken.values["people"][0]["name"]
        with pytest.raises(CheckFailed):
            await pool.draw(TOWN, broken)
        assert len(pool._all) == 1
        assert pool._free.qsize() == 1

    with_pool(run)


def test_fonts_that_a_renderer_cannot_use_are_named() -> None:
    form = form_of(TOWN, Kind.RESIDENT_RECORD)
    elsewhere = replace(form, fonts=(replace(form.fonts[0], path=form.fonts[0].path.with_name("none.ttf")),))

    async def run(pool: RendererPool) -> None:
        with pytest.raises(ConfigurationError, match=r"none\.ttf"):
            page_of(await pool._draw(Job(elsewhere, "{}").encode()))

    with_pool(run)


def test_frames_that_are_none_are_refused() -> None:
    for raw in (b"\xff\xff\xff\xff" + b"0" * 16,):
        with pytest.raises(BrokenFrame):
            head(raw)
    with pytest.raises(BrokenFrame):
        page_of(b"?")
    assert head(frame(b"0" * 16, b"body")[:20]) == (4, b"0" * 16)


@pytest.mark.fault(60)
@pytest.mark.clause("1(6)①")
def test_a_killed_renderer_is_nobodys_trouble(centre: TestClient) -> None:
    """Fault 60 through the app: kill -9 of every renderer again and again while two people ask."""
    for number in range(6):
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        card, person = ((CARD, FATHER), (MOTHERS_CARD, MOTHER))[number % 2]
        body = {"request_id": f"request-{number:04d}", "kind": "resident_record_certificate", "card_serial": card}
        response = centre.post(f"/v1/{CODE}/applications", json=body | {"members": [person.addressee_number]})
        assert response.status_code == 200, response.text
        assert person.name.replace("　", "") in text_of(response.content)
        assert states(body["request_id"]) == ["accepted", "eligible", "rendered", "checked", "sent"]

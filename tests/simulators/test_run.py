"""The simulation as a process: towns built once, SFTP served, commands and resend requests answered, nothing lost when killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from extractors.resend import request_resend
from municipalities.registry import get
from municipalities.site import site
from records.batch import FEEDS
from records.errors import UtsushiError
from simulators import arguments, commands, settings, store
from simulators.vendors import files
from simulators.vendors.vendor import Vendor
from simulators.world_process import World
from tests.simulators.receiving import received

SIZES = {"364894": 60, "362999": 30, "364991": 20}


@pytest.fixture
def world(utsushi_home: Path) -> World:
    """A small world without network, prepared in this process."""
    settings.write(settings.WorldSettings(seed=2, sizes=SIZES, tick_seconds=0))
    made = World(settings.read())
    made.prepare()
    return made


@pytest.fixture
def process(utsushi_home: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts the real process; what still runs at the end is ended."""
    running: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        sizes = ",".join(f"{code}={size}" for code, size in SIZES.items())
        command = [sys.executable, "-m", "simulators.run", "--home", str(utsushi_home), "--seed", "2", "--sizes", sizes]
        started = subprocess.Popen([*command, "--tick-seconds", "0"], stderr=subprocess.PIPE, text=True)
        running.append(started)
        wait_ready(started)
        return started

    yield start
    for one in running:
        if one.poll() is None:
            one.terminate()
        one.wait(20)


def wait_ready(started: subprocess.Popen[str]) -> list[str]:
    lines: list[str] = []
    assert started.stderr is not None
    for line in started.stderr:
        lines.append(line)
        if line.startswith("ready"):
            return lines
    raise AssertionError("ended before it was ready: " + "".join(lines))


def test_the_process_serves_answers_and_goes_on_after_being_killed(
    process: Callable[[], subprocess.Popen[str]], utsushi_home: Path
) -> None:
    first = process()
    vendors = site().vendors
    assert set(vendors) == set(SIZES)
    assert len({one["host_key"] for one in vendors.values()}) == 3
    vendor = store.load("362999")
    assert len(received(vendor, "resident", 0, source_of("362999"))) == len(vendor.truth_at("resident", 1))
    assert commands.give({"municipality": "362999", "do": "tick", "events": 4})["resident"] == 2
    before = whole(utsushi_home / "world" / "362999")
    name = request_resend(get("362999"), "tax", 1, 2)
    answered = time.monotonic()
    done = utsushi_home / "world" / "362999" / "requests" / name.replace(".req", ".done")
    while not done.exists() and time.monotonic() - answered < 10:
        time.sleep(0.05)
    assert time.monotonic() - answered < 1.5
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    process()
    assert {code: one["port"] for code, one in site().vendors.items()} == {
        code: one["port"] for code, one in vendors.items()
    }
    assert commands.give({"municipality": "362999", "do": "tick", "events": 4})["resident"] == 3
    after = whole(utsushi_home / "world" / "362999")
    assert {name: after[name] for name in before} == before
    rows = received(store.load("362999"), "resident", 1, source_of("362999"))
    assert [row["problem"] for row in rows if row["problem"]] == []


def source_of(code: str) -> Any:
    from extractors.sftp import SftpSource

    return SftpSource(get(code).vendor)


def whole(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for feed in FEEDS for path in (folder / "outgoing" / feed).iterdir()}


def test_a_world_is_built_once_and_says_who_is_interesting(world: World, utsushi_home: Path) -> None:
    folder = utsushi_home / "world"
    assert {code: store.progress(code) for code in SIZES} == {code: (size, size) for code, size in SIZES.items()}
    chosen = json.loads((folder / "samples.json").read_text("utf-8"))
    assert {one["municipality"] for one in chosen} == set(SIZES)
    again = World(settings.read())
    again.prepare()
    assert {code: one.sequence for code, one in again.vendors.items()} == dict.fromkeys(SIZES, dict.fromkeys(FEEDS, 1))
    assert again.vendors["364991"].town.records == world.vendors["364991"].town.records


def drop(utsushi_home: Path, name: str, text: str) -> Path:
    path = utsushi_home / "world" / "commands" / f"{name}.json"
    path.write_text(text, "utf-8")
    return path.with_suffix(".done")


def test_commands_are_carried_out_once_and_answered(world: World, utsushi_home: Path) -> None:
    one = drop(utsushi_home, "1", '{"municipality": "364894", "do": "break", "feed": "tax", "how": "lost"}')
    two = drop(utsushi_home, "2", '{"municipality": "364894", "do": "event", "event": "tax_correction"}')
    three = drop(utsushi_home, "3", '{"municipality": "364894", "do": "tick", "events": 0}')
    world.step()
    world.step()
    assert [json.loads(done.read_text("utf-8"))["tax"] for done in (one, two, three)] == [1, 1, 2]
    outgoing = utsushi_home / "world" / "364894" / "outgoing"
    assert not list((outgoing / "tax").glob("*00000002*"))
    assert list((outgoing / "seal").glob("*00000002.dat"))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"do": "tick"}',
        '{"municipality": "999999", "do": "tick"}',
        '{"municipality": "364894", "do": "explode"}',
        '{"municipality": "364894", "do": "break", "feed": "tax", "how": "meteor"}',
        '{"municipality": "364894", "do": "trouble", "kind": "meteor"}',
        '{"municipality": "364894", "do": "tick", "events": "many"}',
    ],
)
def test_a_wrong_command_is_told_and_ends_nothing(world: World, utsushi_home: Path, text: str) -> None:
    done = drop(utsushi_home, "1", text)
    world.step()
    assert "error" in json.loads(done.read_text("utf-8"))
    assert world.vendors["364894"].sequence["tax"] == 1


def test_time_runs_by_the_clock(world: World) -> None:
    world.settings = settings.WorldSettings(seed=2, sizes=SIZES, tick_seconds=0.05, events=1)
    world.next_tick = 0.0
    world.step()
    assert all(set(vendor.sequence.values()) == {2} for vendor in world.vendors.values())


def test_being_killed_between_keeping_and_delivering_loses_and_doubles_nothing(
    world: World, utsushi_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = world.vendors["364894"]

    def killed(_: Vendor, file: files.ExchangeFile) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Vendor, "deliver", killed)
        with pytest.raises(KeyboardInterrupt):
            vendor.tick(5)
    back = store.load("364894")
    assert back.sequence == dict.fromkeys(FEEDS, 2)
    outgoing = utsushi_home / "world" / "364894" / "outgoing"
    for feed in FEEDS:
        file = back.file(feed, 2)
        assert (outgoing / feed / str(file.name)).read_bytes() == file.data
        assert back.truth_at(feed, 2) == back.town.records[feed]


def test_a_state_of_another_version_is_told(world: World, utsushi_home: Path) -> None:
    import pickle

    store.path("364894").write_bytes(pickle.dumps((0, None)))
    with pytest.raises(UtsushiError, match="another version"):
        store.load("364894")


def test_options_are_kept_as_settings(utsushi_home: Path) -> None:
    wanted = arguments.settle(["--seed", "9", "--sizes", "364894=10,362999=5", "--tick-seconds", "0"])
    assert wanted == settings.WorldSettings(seed=9, sizes={"364894": 10, "362999": 5}, tick_seconds=0)
    assert arguments.settle([]) == wanted == settings.read()


@pytest.mark.parametrize("text", ["364894", "364894=", "364894=0", "364894=x"])
def test_sizes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(SystemExit):
        arguments.settle(["--sizes", text])

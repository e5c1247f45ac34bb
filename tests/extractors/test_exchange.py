"""Names and control records: what we write we read, and nothing that differs from the form passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.exchange import (
    EDGE_BYTES,
    OPTIONAL,
    Control,
    FileName,
    format_control_file,
    format_edges,
    parse_control_file,
    parse_edges,
    parse_name,
)
from extractors.sources import is_exchange_name
from records.batch import FEEDS
from records.errors import ControlRecordInvalid

CREATED = "2026-11-23T09:00:00+09:00"
ONE = Control(FileName("362999", "tax", "diff", 7), "naruto_fixed/1", 3, 1234, "ab" * 32, CREATED, 9)
LINES = format_control_file(ONE).decode("ascii").splitlines()

numbers = st.integers(1, 99_999_999)
names = st.builds(
    FileName,
    st.text("0123456789", min_size=6, max_size=6),
    st.sampled_from(FEEDS),
    st.sampled_from(["full", "diff"]),
    numbers,
)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))
controls = st.builds(
    Control,
    names,
    st.sampled_from(["awa_csv/1", "naruto_fixed/1", "sudachi_csv/12"]),
    st.integers(0, 10**10 - 1),
    st.integers(0, 10**12 - 1),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    instants.map(lambda at: at.isoformat(timespec="seconds")),
    st.none() | st.just(99_999_999),
)


@given(names)
def test_names_come_back(name: FileName) -> None:
    assert parse_name(str(name)) == name
    assert is_exchange_name(str(name))
    assert is_exchange_name(name.control)


GOOD_NAME = "364894_resident_diff_00000002.dat"


@pytest.mark.parametrize(
    "name",
    [
        f"{GOOD_NAME}.part",
        f".{GOOD_NAME}",
        f"../{GOOD_NAME}",
        f"/etc/{GOOD_NAME}",
        f"x/{GOOD_NAME}",
        f"{GOOD_NAME}\n",
        f"{GOOD_NAME}\x00",
        f"{GOOD_NAME}.ctl",
        GOOD_NAME.upper(),
        GOOD_NAME.replace("364894", "36489"),
        GOOD_NAME.replace("364894", "３６４８９４"),
        GOOD_NAME.replace("resident", "koseki"),
        GOOD_NAME.replace("diff", "delta"),
        GOOD_NAME.replace("00000002", "2"),
        GOOD_NAME.replace("00000002", "000000002"),
        GOOD_NAME.replace("00000002", "00000002 "),
        "",
        "..",
    ],
)
def test_other_names_are_never_opened(name: str) -> None:
    assert parse_name(name) is None
    assert not is_exchange_name(name)
    assert not is_exchange_name(name.removesuffix(".dat") + "..ctl")


@given(controls)
def test_control_files_come_back(control: Control) -> None:
    data = format_control_file(control)
    assert parse_control_file(data, "x.ctl") == control
    assert parse_control_file(data.replace(b"\n", b"\r\n"), "x.ctl") == control


@settings(max_examples=60)
@given(controls, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_does_not_matter(control: Control, rng: object) -> None:
    lines = format_control_file(control).splitlines(keepends=True)
    rng.shuffle(lines)  # type: ignore[attr-defined]
    assert parse_control_file(b"".join(lines), "x.ctl") == control


@settings(max_examples=60, deadline=None)
@given(controls)
def test_header_and_trailer_come_back(control: Control) -> None:
    header, trailer = format_edges(control)
    assert (len(header), len(trailer)) == (EDGE_BYTES, EDGE_BYTES)
    assert parse_edges(header, trailer, "x.dat") == control


def refused(lines: list[str]) -> str:
    with pytest.raises(ControlRecordInvalid) as error:
        parse_control_file("".join(f"{line}\n" for line in lines).encode("utf-8"), "x.ctl")
    return str(error.value)


MUTATIONS: dict[str, Callable[[str, str], list[str]]] = {
    "doubled": lambda key, value: [f"{key}={value}", f"{key}={value}"],
    "other key": lambda key, value: [f"{key}x={value}"],
    "capitals": lambda key, value: [f"{key.upper()}={value}"],
    "blank before the key": lambda key, value: [f" {key}={value}"],
    "blank after the key": lambda key, value: [f"{key} ={value}"],
    "no equals sign": lambda key, value: [f"{key}:{value}"],
    "full-width": lambda key, value: [f"{key}＝{value}"],
    "other letters": lambda key, value: [f"{key}=é{value}"],
}
WRONG_VALUES: dict[str, Callable[[str], str]] = {
    "empty": lambda value: "",
    "blank before": lambda value: f" {value}",
    "blank after": lambda value: f"{value} ",
    "quoted": lambda value: f'"{value}"',
    "a letter more": lambda value: f"{value}g",
    "an equals sign more": lambda value: f"{value}=",
    "sign": lambda value: f"+{value}",
    "NUL": lambda value: f"{value}\0",
    "carriage return": lambda value: f"{value}\rx",
}


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("how", MUTATIONS)
def test_a_line_of_another_form_is_refused(line: str, how: str) -> None:
    key, _, value = line.partition("=")
    changed = MUTATIONS[how](key, value)
    refused([new for one in LINES for new in (changed if one == line else [one])])


@pytest.mark.parametrize("line", [one for one in LINES if not one.startswith("layout=")])
@pytest.mark.parametrize("how", WRONG_VALUES)
def test_a_value_of_another_form_is_refused_and_its_key_named(line: str, how: str) -> None:
    key, _, value = line.partition("=")
    text = refused([f"{key}={WRONG_VALUES[how](value)}" if one == line else one for one in LINES])
    assert key in text


@pytest.mark.parametrize("line", [one for one in LINES if one.partition("=")[0] not in OPTIONAL])
def test_a_line_that_is_missing_is_named(line: str) -> None:
    assert line.partition("=")[0] in refused([one for one in LINES if one != line])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("utsushi_exchange", "2"),
        ("feed", "koseki"),
        ("kind", "FULL"),
        ("sequence", "00000000"),
        ("sequence", "7"),
        ("sequence", "123456789"),
        ("rows", "-1"),
        ("rows", "1e3"),
        ("bytes", "1234567890123"),
        ("sha256", "AB" * 32),
        ("sha256", "ab" * 31),
        ("latest_sequence", "00000006"),
        ("created_at", "2026-11-23T09:00:00"),
        ("created_at", "2026-11-23"),
        ("created_at", "2026-11-23 09:00:00+09:00"),
        ("created_at", "2026-11-23\x1b09:00:00+09:00"),
        ("created_at", "2026-W48-1T09:00:00+09:00"),
        ("created_at", "2026-02-30T09:00:00+09:00"),
        ("created_at", "令和8年11月23日"),
    ],
)
def test_values_that_no_file_can_have_are_refused(key: str, value: str) -> None:
    refused([f"{key}={value}" if one.startswith(f"{key}=") else one for one in LINES])


@pytest.mark.parametrize("created", ["2026-11-23T00:00:00Z", "2026-11-23T09:00+0900", "2026-11-23T09:00:00.5+09:00"])
def test_instants_as_other_systems_write_them(created: str) -> None:
    assert parse_control_file(format_control_file(replace(ONE, created_at=created)), "x.ctl").created_at == created


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"\xef\xbb\xbf" + format_control_file(ONE), b"a=b\n" * 2_000])
def test_what_is_no_control_file_is_refused(data: bytes) -> None:
    with pytest.raises(ControlRecordInvalid):
        parse_control_file(data, "x.ctl")


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with pytest.raises(ControlRecordInvalid):
        parse_control_file(data, "x.ctl")


@settings(max_examples=80, deadline=None)
@given(st.integers(0, EDGE_BYTES - 1), st.integers(1, 255), st.booleans())
def test_no_byte_of_header_and_trailer_can_change_unseen(position: int, bits: int, in_header: bool) -> None:
    """A change is refused, or it changes what the record says; what it says is compared with name and bytes."""
    header, trailer = format_edges(ONE)
    edges = (_flip(header, position, bits), trailer) if in_header else (header, _flip(trailer, position, bits))
    try:
        read = parse_edges(*edges, "x.dat")
    except ControlRecordInvalid:
        read = None
    assert read != ONE


def _flip(data: bytes, position: int, bits: int) -> bytes:
    return data[:position] + bytes((data[position] ^ bits,)) + data[position + 1 :]


@pytest.mark.parametrize(
    ("header", "trailer"),
    [
        (0, 256),
        (255, 256),
        (256, 255),
        (256, 0),
    ],
)
def test_short_edges_are_refused(header: int, trailer: int) -> None:
    one, two = format_edges(ONE)
    with pytest.raises(ControlRecordInvalid):
        parse_edges(one[:header], two[:trailer], "x.dat")


def test_edges_in_the_wrong_order_or_charset_are_refused() -> None:
    header, trailer = format_edges(ONE)
    for one, two in ((trailer, header), (header, header), (b"H" * 256, b"T" * 256)):
        with pytest.raises(ControlRecordInvalid):
            parse_edges(one, two, "x.dat")

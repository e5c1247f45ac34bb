"""The content hash that we compute is the one that PostgreSQL computes, and a COPY line arrives as it was."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records.batch import FEEDS
from records.dictionary import columns, items
from replica.connections import connect
from replica.content import content_hashes, fingerprint, sql_fingerprint, sql_hash
from replica.copy_text import COPY_OPTIONS, finished, lines_and_hashes
from services.postgres import PostgresServer
from tests.loaders.batches import arrow_type

CODE = "364894"
TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
HARD = st.sampled_from(["\\", "\\N", "\\.", "\\x41", "'", '"', "　", "葛󠄁", "\U000f0001", "\t", "{1,2}", "NULL"])


def _values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_date(kind):
        return st.dates(date(1, 1, 1), date(9999, 12, 31))
    if pa.types.is_integer(kind):
        return st.integers(-(2**63), 2**63 - 1)
    if pa.types.is_binary(kind):
        return st.binary(max_size=40)
    return TEXT | HARD.filter(lambda one: one != "\t")


def _rows(record: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    mandatory = {one for item in items(record) for one in item.columns if item.is_key}
    fields = {
        name: _values(kind) if name in mandatory else st.none() | _values(kind)
        for name, kind in ((name, arrow_type(name, record)) for name in columns(record))
    }
    return st.lists(st.fixed_dictionaries(fields), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def stages(replicas: PostgresServer):
    """A connection with one temporary table per register, without its constraints."""
    with connect(CODE, "loader") as connection:
        for feed in FEEDS:
            names = ", ".join(columns(feed))
            connection.execute(f"create temporary table s_{feed} as select {names} from replica.{feed} with no data")
        connection.commit()
        yield connection


@pytest.mark.parametrize("feed", FEEDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_database_and_we_agree_on_every_row(stages: psycopg.Connection, feed: str, data: st.DataObject) -> None:
    rows = data.draw(_rows(feed))
    block = pa.RecordBatch.from_pylist(rows, pa.schema([(name, arrow_type(name, feed)) for name in columns(feed)]))
    lines, hashes, broken = lines_and_hashes(block, feed)
    assert not any(broken.to_pylist())
    assert hashes.to_pylist() == content_hashes(block, feed).to_pylist()
    stages.execute(f"truncate s_{feed}")
    ended = [one + "\n" for one in lines.to_pylist()]
    with stages.cursor().copy(f"copy s_{feed} ({', '.join(columns(feed))}) from stdin ({COPY_OPTIONS})") as copy:
        copy.write(bytes(finished(pa.array(ended, pa.string()))))
    stored = stages.execute(f"select {', '.join(columns(feed))} from s_{feed}").fetchall()
    assert stored == [tuple(row[name] for name in columns(feed)) for row in rows]
    computed = [one for (one,) in stages.execute(f"select {sql_hash(feed, 's')} from s_{feed} s").fetchall()]
    assert computed == hashes.to_pylist()
    total = stages.execute(f"select {sql_fingerprint('h')} from (select {sql_hash(feed, 's')} h from s_{feed} s) x")
    assert int(total.fetchone()[0]) % 2**64 == fingerprint(hashes)


@pytest.mark.parametrize("control", ["\n", "\r", "\t", "\x1f", "\x00", "\x0b"])
def test_a_control_character_breaks_its_own_row_only(control: str) -> None:
    from tests.loaders.batches import row, schema

    rows = [row("resident", 1), row("resident", 2, katagaki=f"あ{control}い"), row("resident", 3)]
    block = pa.RecordBatch.from_pylist(rows, schema("resident"))
    _, _, broken = lines_and_hashes(block, "resident")
    assert broken.to_pylist() == [False, True, False]


@pytest.mark.parametrize("sliced", [False, True])
def test_slices_and_sums(sliced: bool) -> None:
    from tests.loaders.batches import row, schema

    block = pa.RecordBatch.from_pylist([row("resident", one) for one in range(9)], schema("resident"))
    part = block.slice(3, 4) if sliced else block
    alone = [content_hashes(part.slice(at, 1), "resident") for at in range(part.num_rows)]
    hashes = content_hashes(part, "resident")
    assert hashes.to_pylist() == [one[0].as_py() for one in alone]
    assert sum(fingerprint(one) for one in alone) % 2**64 == fingerprint(hashes)
    assert fingerprint(hashes.slice(2)) == sum(fingerprint(one) for one in alone[2:]) % 2**64

"""The step ``validate`` (検査): ``mapped.parquet`` → ``validated.parquet`` (good rows) and ``quarantine.parquet`` (bad).

Good rows are written as COPY lines with their keys and content hashes, ready for ``loaders``. Streamed: memory does not
grow with the file.
"""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from expectations.checking import Findings, block_rows, check_rows
from expectations.suite import Suite, suite
from municipalities import registry
from records.ahead import ahead
from records.batch import Manifest
from records.dictionary import key_items
from records.errors import Place, TooManyBadRows
from replica.content import HASH_TYPE
from replica.copy_text import lines_and_hashes

MAPPED, VALIDATED, QUARANTINE = "mapped.parquet", "validated.parquet", "quarantine.parquet"
BLOCK_ROWS = 25_000
# So few bad rows never refuse a file: one bad row in a difference of three is a bad row, not a bad file.
FEW = 5
OPERATIONS = {"full": ["1"], "diff": ["1", "2", "3"]}


def validate(batch: Path) -> None:
    """Set bad rows apart. Raises ``TooManyBadRows`` above the municipality's share; running again gives the same."""
    manifest = Manifest.read(batch)
    checks = suite(manifest.feed)
    findings = Findings()
    _limit(manifest, _problem_count(batch))  # before the expensive part: a wholly bad file is refused at once
    check_rows(batch / MAPPED, checks, findings)
    _check_operations(batch, manifest, findings)
    if manifest.kind == "full":
        _check_unique(batch, manifest, findings)
        _count_groups(batch, checks, findings)
    good, bad = _write(batch, manifest, findings)
    _limit(manifest, bad)
    for name in (VALIDATED, QUARANTINE):
        os.replace(batch / (name + ".part"), batch / name)
    manifest.counts.update({"good": good, "bad": bad})
    found = [f"{name}: {count}" for name, count in sorted(findings.warnings.items())]
    manifest.warnings = [*(one for one in manifest.warnings if one not in found), *found]
    manifest.write(batch)


def _limit(manifest: Manifest, bad: int) -> None:
    share = registry.get(manifest.municipality).max_bad_share
    if bad > FEW and bad > share * manifest.rows:
        raise TooManyBadRows(f"{bad} of {manifest.rows} rows are bad, the limit is {share:.1%}", Place(manifest.file))


def _problem_count(batch: Path) -> int:
    column = pq.read_table(batch / MAPPED, columns=["problem"]).column("problem")
    return len(column) - int(column.null_count)


def _check_operations(batch: Path, manifest: Manifest, findings: Findings) -> None:
    """更新区分 must be one that this kind of file has."""
    table = pq.read_table(batch / MAPPED, columns=["row_number", "operation"])
    known = pc.is_in(table.column("operation"), pa.array(OPERATIONS[manifest.kind]))
    for number in table.column("row_number").filter(pc.invert(known)).to_pylist():
        findings.note(number, "unknown_code:@operation")


def _check_unique(batch: Path, manifest: Manifest, findings: Findings) -> None:
    """In a full set each record is there once; where not, nobody can tell which row is right: all are bad."""
    keys = [item.key for item in key_items(manifest.feed)]
    table = pq.read_table(batch / MAPPED, columns=["row_number", *keys])
    counted = table.group_by(keys).aggregate([("row_number", "count")])
    doubled = counted.filter(pc.greater(counted.column("row_number_count"), 1)).drop_columns(["row_number_count"])
    if doubled.num_rows == 0:
        return
    for number in table.join(doubled, keys, join_type="inner").column("row_number").to_pylist():
        findings.note(number, f"duplicate_unique:{keys[-1]}")


def _count_groups(batch: Path, checks: Suite, findings: Findings) -> None:
    """Groups that should have one row of a kind (a household one householder): a warning, as registers do differ."""
    for spec in checks.single:
        where = spec["where"]
        table = pq.read_table(
            batch / MAPPED, columns=[spec["group"]], filters=[(name, "==", value) for name, value in where.items()]
        )
        counted = table.group_by(spec["group"]).aggregate([(spec["group"], "count")])
        several = pc.sum(pc.greater(counted.column(f"{spec['group']}_count"), 1), min_count=0).as_py()
        if several:
            findings.warnings[spec["name"]] += several


def _write(batch: Path, manifest: Manifest, findings: Findings) -> tuple[int, int]:
    """Write both files beside their final names; returns how many rows are good and bad."""
    keys = [item.key for item in key_items(manifest.feed)]
    good = bad = 0
    with pq.ParquetFile(batch / MAPPED, pre_buffer=False) as file:
        types = {name: file.schema_arrow.field(name).type for name in keys}
        with (
            _writer(batch, VALIDATED, _validated_schema(types)) as rows_writer,
            _writer(batch, QUARANTINE, _quarantine_schema(types)) as bad_writer,
        ):
            blocks = file.iter_batches(batch_size=block_rows(manifest.feed, BLOCK_ROWS))
            for rows, set_apart in ahead(lambda block: _split(block, manifest.feed, keys, findings), blocks):
                rows_writer.write_batch(rows)
                bad_writer.write_batch(set_apart)
                good, bad = good + rows.num_rows, bad + set_apart.num_rows
    return good, bad


def _split(
    block: pa.RecordBatch, feed: str, keys: list[str], findings: Findings
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    lines, hashes, broken = lines_and_hashes(block, feed)
    reasons = _reasons(block, broken, findings)
    is_good = pc.is_null(reasons)
    same = [block.column(name) for name in ("row_number", "operation", *keys)]
    names = ["row_number", "operation", *keys]
    rows = pa.RecordBatch.from_arrays([*same, lines, hashes], [*names, "line", "content_hash"])
    apart = pa.RecordBatch.from_arrays([*same, reasons], [*names, "reasons"])
    if reasons.null_count == len(reasons):
        return rows, apart.slice(0, 0)
    return rows.filter(is_good), apart.filter(pc.invert(is_good))


def _reasons(block: pa.RecordBatch, broken: pa.Array, findings: Findings) -> pa.Array:
    """What is wrong with each row; NULL for good rows."""
    problems = block.column("problem")
    numbers = block.column("row_number")
    found = pc.is_in(numbers, pa.array(list(findings.reasons), pa.int64()))
    if not pc.any(pc.or_(found, broken), min_count=0).as_py():
        return problems
    texts = []
    for number, problem, is_broken in zip(numbers.to_pylist(), problems.to_pylist(), broken.to_pylist(), strict=True):
        parts = [problem] if problem else []
        parts += findings.reasons.get(number, [])
        if is_broken and not problem:
            parts.append("forbidden_character:@row")
        texts.append(";".join(parts) or None)
    return pa.array(texts, pa.string())


def _writer(batch: Path, name: str, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        batch / f"{name}.part", schema, compression="none", use_dictionary=False, write_statistics=False
    )


def _validated_schema(keys: dict[str, pa.DataType]) -> pa.Schema:
    head = [("row_number", pa.int64()), ("operation", pa.string()), *keys.items()]
    return pa.schema([*head, ("line", pa.string()), ("content_hash", HASH_TYPE)])


def _quarantine_schema(keys: dict[str, pa.DataType]) -> pa.Schema:
    return pa.schema([("row_number", pa.int64()), ("operation", pa.string()), *keys.items(), ("reasons", pa.string())])

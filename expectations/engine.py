"""Great Expectations (1.x), held at arm's length: one ephemeral context a process, no analytics, no progress bars.

Its results hold the rejected values themselves: only positions leave this module.
"""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any

import pyarrow as pa

from expectations.suite import Check

# Only positions are wanted; nothing that contains values is built where that can be told.
RESULT_FORMAT = {"result_format": "COMPLETE", "partial_unexpected_count": 0}


def failures(frame: pa.Table, checks: tuple[Check, ...]) -> dict[int, list[int]]:
    """Positions (from 0) of the rows of ``frame`` that fail, by the check's place in ``checks``."""
    if not frame.num_rows or not checks:
        return {}
    from great_expectations.core.expectation_suite import ExpectationSuite

    wanted = list(dict.fromkeys(name for check in checks for name in _columns(check, frame)))
    pandas_frame = frame.select(wanted).to_pandas()
    listed = [{"type": one.type, "kwargs": one.kwargs, "meta": {"place": at}} for at, one in enumerate(checks)]
    batch = _definition().get_batch({"dataframe": pandas_frame})
    result = batch.validate(ExpectationSuite(name="checks", expectations=listed), result_format=RESULT_FORMAT)
    return {one.expectation_config.meta["place"]: _positions(one) for one in result.results if not one.success}


def _columns(check: Check, frame: pa.Table) -> list[str]:
    condition = str(check.kwargs.get("row_condition", ""))
    return [name for name in frame.column_names if name == check.column or f"{name} " in condition]


def _positions(result: Any) -> list[int]:
    if result.exception_info.get("raised_exception"):
        # Its message may quote values.
        raise RuntimeError(f"Great Expectations could not run {result.expectation_config.type}")
    return [int(position) for position in result.result["unexpected_index_list"]]


@cache
def _definition() -> Any:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("rows")

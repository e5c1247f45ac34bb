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

# Whether a check fails at all is asked first: it is cheap, and no values are collected for it.
PASSED_OR_NOT = {"result_format": "BOOLEAN_ONLY"}
WHICH_ROWS = {"result_format": "COMPLETE", "partial_unexpected_count": 0}


def failures(frame: pa.Table, checks: tuple[Check, ...]) -> dict[int, list[int]]:
    """Positions (from 0) of the rows of ``frame`` that fail, by the check's place in ``checks``."""
    if not frame.num_rows or not checks:
        return {}
    names = list(dict.fromkeys(check.column for check in checks))
    batch = _definition().get_batch({"dataframe": frame.select(names).to_pandas()})
    failed = tuple(range(len(checks)))
    for result_format in (PASSED_OR_NOT, WHICH_ROWS):
        result = batch.validate(_suite(checks, failed), result_format=result_format)
        wrong = [one for one in result.results if not one.success]
        failed = tuple(_place(one) for one in wrong)
        if not failed:
            return {}
    return {_place(one): [int(position) for position in one.result["unexpected_index_list"]] for one in wrong}


@cache
def _suite(checks: tuple[Check, ...], places: tuple[int, ...]) -> Any:
    from great_expectations.core.expectation_suite import ExpectationSuite

    listed = [{"type": checks[at].type, "kwargs": checks[at].kwargs, "meta": {"place": at}} for at in places]
    return ExpectationSuite(name="checks", expectations=listed)


def _place(result: Any) -> int:
    if result.exception_info.get("raised_exception"):
        # Its message may quote values.
        raise RuntimeError(f"Great Expectations could not run {result.expectation_config.type}")
    return int(result.expectation_config.meta["place"])


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

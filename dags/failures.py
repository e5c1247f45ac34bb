"""How a step's failure becomes a task's failure: the reason first in the log, and nothing of anybody's record.

An error of ours says code, place and text. Of any other error only its class and the places in the code are told: its
text, and the values around it, may quote a row.
"""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from records.errors import UtsushiError

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger("utsushi.dags")


def told(step: Callable[P, R]) -> Callable[P, R]:
    """``step`` with its errors told to Airflow: what can pass by itself is retried, everything else fails at once."""

    @functools.wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        failure: AirflowException
        try:
            return step(*args, **kwargs)
        except UtsushiError as error:
            failure = AirflowException(str(error)) if error.transient else AirflowFailException(str(error))
        except Exception as error:
            failure = AirflowFailException(f"unexpected: {type(error).__name__} at {_places(error)}")
        # Outside the ``except`` block, so that no traceback drags the first error's text along.
        log.error("%s", failure)
        raise failure

    return run


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames))

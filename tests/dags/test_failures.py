"""How failures are told: ours by their text, any other by its class and places alone."""

from __future__ import annotations

import logging
import traceback

import pytest

from records.errors import HostKeyMismatch, LockBusy, NotInitialised, Place, SequenceGap, TransferError, UtsushiError

MARKED = "甲斐田　花緒里"


@pytest.mark.parametrize("error", [TransferError("refused"), LockBusy("busy")])
def test_what_can_pass_by_itself_is_left_to_the_retries(error: UtsushiError) -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    from dags.failures import told

    def step() -> None:
        raise error

    with pytest.raises(AirflowException) as caught:
        told(step)()
    assert not isinstance(caught.value, AirflowFailException)
    assert str(caught.value) == str(error)


@pytest.mark.parametrize(
    "error", [HostKeyMismatch("other key"), NotInitialised("no set"), SequenceGap("7 is missing", Place("a.dat", 3))]
)
def test_everything_else_fails_at_once_with_its_reason_first(
    error: UtsushiError, caplog: pytest.LogCaptureFixture
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from dags.failures import told

    def step() -> None:
        raise error

    with caplog.at_level(logging.INFO), pytest.raises(AirflowFailException):
        told(step)()
    assert [record.getMessage() for record in caplog.records] == [str(error)]
    assert caplog.records[0].levelno == logging.ERROR


@pytest.mark.fault(113)
def test_nothing_of_an_unexpected_error_but_its_class_and_places_is_told(caplog: pytest.LogCaptureFixture) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from dags.failures import told

    def step(name: str) -> None:
        try:
            raise KeyError(name)
        except KeyError as error:
            raise ValueError(f"no such person: {name}") from error

    with pytest.raises(AirflowFailException) as caught:
        told(step)(MARKED)
    chain = "".join(traceback.format_exception(caught.value))
    assert MARKED not in chain + caplog.text
    assert str(caught.value).startswith("unexpected: ValueError at test_failures.py:")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_steps_own_result_comes_back() -> None:
    from dags.failures import told

    def step(one: int, *, two: int) -> int:
        return one + two

    assert told(step)(1, two=2) == 3

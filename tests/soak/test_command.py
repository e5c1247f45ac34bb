"""``./utsushi bench soak`` takes its length and rate; the other benchmarks have neither."""

from __future__ import annotations

import pytest

from benchmarks import soak
from benchmarks.figures import Figure
from command_line.__main__ import main


def test_length_and_rate_reach_the_soak(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {}

    def noted(say: object, **options: object) -> list[Figure]:
        given.update(options)
        return [Figure("wrong pages", 0, "", "<= 0")]

    monkeypatch.setattr(soak, "run", noted)
    assert main(["bench", "soak", "--minutes", "0.5", "--rate", "7"]) == 0
    assert given == {"quick": False, "minutes": 0.5, "rate": 7.0}


def test_a_finding_makes_the_command_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "run", lambda say, **options: [Figure("wrong pages", 1, "", "<= 0")])
    assert main(["bench", "soak"]) == 1


def test_other_benchmarks_have_neither(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "load", "--minutes", "1"]) == 1
    assert "for the soak" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["0", "-1", "inf", "nan", "ten"])
def test_a_length_is_a_number_above_zero(wrong: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bench", "soak", "--minutes", wrong])
    assert ended.value.code == 2

"""A short soak: two real nodes, open-loop traffic, kills, loads and holds; the long one is ``./utsushi bench soak``."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.soak.soaking import LEAST_SUCCEEDED, Size, soak, succeeded

SHORT = Size(seconds=15, rate=12, residents=400, durable=False, sweep=False)


@pytest.mark.slow
@pytest.mark.fault(52, 53, 54, 56, 57, 60)
@pytest.mark.clause("6(4)①", "2(5)①")
def test_a_short_soak_has_no_findings(tmp_path: Path) -> None:
    """Faults 52 to 57 and 60 together, over real nodes."""
    soaked = soak(tmp_path, SHORT, lambda _: None)
    verdict, chaos = soaked.verdict, soaked.chaos
    assert (verdict.wrong, verdict.against, verdict.lost, verdict.doubled) == ([], [], [], [])
    assert (verdict.unexplained, verdict.leaked) == ([], [])
    # It was a soak: certificates went out and were read, and everything happened.
    assert succeeded(soaked.entries) >= LEAST_SUCCEEDED
    assert verdict.read >= verdict.certificates >= len(soaked.entries) // 2
    assert verdict.refused
    assert len(verdict.kinds) >= 4
    assert chaos.site.nodes.downs
    assert chaos.site.nodes.renderer_kills
    assert chaos.loaded
    assert chaos.flips

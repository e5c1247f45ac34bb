"""The soak (耐久試験): ``soaking`` runs it, the other modules are its town, its traffic, its troubles and its judges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.figures import Figure


def run(
    say: Callable[[str], None], *, quick: bool = False, minutes: float | None = None, rate: float | None = None
) -> list[Figure]:
    """As ``soaking.run``; imported only here, because modules of this room are processes of their own too."""
    from benchmarks.soak import soaking

    return soaking.run(say, quick=quick, minutes=minutes, rate=rate)

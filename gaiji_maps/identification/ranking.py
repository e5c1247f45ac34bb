"""Ranking (候補順位): the standard glyphs most like a vendor's glyph, best first. Never a decision.

First all glyphs by one distance in the learned metric, then the best again cell by cell, where each cell of the query
may move by two pixels, then the first three where they differ. A score orders candidates of one glyph; it says nothing
about whether a standard character exists (measured: it can't), so no threshold is offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from gaiji_maps.identification import gradient
from gaiji_maps.identification.gradient import Floats
from gaiji_maps.identification.index import GlyphIndex, standard_index
from gaiji_maps.identification.raster import Picture, fitted

NOTICE = (
    "この順位は字形の近いものを並べた候補です。同じ文字であること、また該当する標準文字が無いことを"
    "示すものではありません。必ず人が見比べて確認してください。"
)
RERANKED = 24
CELL_SHARE = 0.6
CONTEST = 3
BATCH = 64
GROUP = 64


@dataclass(frozen=True, slots=True)
class Candidate:
    """``mj_name`` MJ文字図形名, ``rank`` from 1, ``score`` 0–1: larger is more alike, comparable within one query."""

    rank: int
    mj_name: str
    score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates for one glyph. It has no answer: a person compares the pictures, and another confirms.

    ``notice`` is what every screen and file shows beside it.
    """

    label: str
    candidates: tuple[Candidate, ...]
    notice: str = NOTICE


def rank(
    glyphs: Iterable[tuple[str, Picture]],
    *,
    limit: int = 10,
    within: frozenset[str] | None = None,
    index: GlyphIndex | None = None,
) -> Iterator[Ranking]:
    """A ranking per (label, picture), in order, 64 at a time; ``within`` keeps to some MJ names (strokes, reading, …).

    Fewer than ``limit`` candidates only where ``within`` has fewer; none at all for a picture without ink.
    """
    used = index or standard_index()
    rows = None if within is None else np.array(sorted(used.rows[one] for one in within if one in used.rows), np.intp)
    source = iter(glyphs)
    while batch := list(islice(source, BATCH)):
        yield from _ranked(batch, limit, rows, used)


def _ranked(
    batch: Sequence[tuple[str, Picture]], limit: int, rows: NDArray[np.intp] | None, index: GlyphIndex
) -> Iterator[Ranking]:
    pictures = np.stack([fitted(picture) for _, picture in batch])
    maps = gradient.direction_maps(pictures)
    queries = gradient.coarse(maps) @ index.metric.projection
    points, halves = (index.points, index.halves) if rows is None else (index.points[rows], index.halves[rows])
    likeness: Floats = np.matmul(queries, points.T, dtype=np.float32)
    likeness -= halves
    best = _best(likeness, max(RERANKED, limit))
    for number, (label, _) in enumerate(batch):
        found = best[number]
        distances = 2 * (float(queries[number] @ queries[number]) / 2 - likeness[number, found])
        chosen = found if rows is None else rows[found]
        candidates = _reordered(maps[number], chosen, distances, index) if pictures[number].any() else []
        yield Ranking(label, tuple(candidates[:limit]))


def _best(likeness: Floats, count: int) -> NDArray[np.intp]:
    """(queries, count) columns of the largest values, largest first. The ``count`` best lie in the ``count`` best groups."""
    if likeness.shape[1] <= count * GROUP:
        return np.argsort(-likeness, axis=1)[:, :count]
    full = likeness.shape[1] // GROUP * GROUP
    groups = likeness[:, :full].reshape(len(likeness), -1, GROUP).max(axis=2)
    chosen = np.argpartition(-groups, count, axis=1)[:, :count, None] * GROUP + np.arange(GROUP)
    rest = np.broadcast_to(np.arange(full, likeness.shape[1]), (len(likeness), likeness.shape[1] - full))
    columns = np.concatenate([chosen.reshape(len(likeness), -1), rest], axis=1)
    order = np.argsort(-np.take_along_axis(likeness, columns, axis=1), axis=1)[:, :count]
    return np.take_along_axis(columns, order, axis=1)


def _reordered(maps: Floats, rows: NDArray[np.intp], distances: Floats, index: GlyphIndex) -> list[Candidate]:
    """The best in their final order, by both distances, each in units of the nearest candidate's; then the contest."""
    if not len(rows):
        return []
    glyphs = index.cells[rows]
    apart = cell_distances(gradient.fine_moved(maps), glyphs)
    moved = apart.sum(axis=0)
    whole = distances / max(float(distances.min()), index.metric.typical / 4)
    total = (1 - CELL_SHARE) * whole + CELL_SHARE * moved / max(float(moved.min()), 1e-6)
    order = np.argsort(total, kind="stable")
    order[:CONTEST] = _contested(order[:CONTEST], total, apart, glyphs)
    falling = np.maximum.accumulate(total[order]) / float(total.min())
    scores = _absolute(float(distances[order[0]]), index) / falling
    return [Candidate(at, index.names[rows[one]], float(scores[at - 1])) for at, one in enumerate(order, 1)]


def _contested(first: NDArray[np.intp], total: Floats, apart: Floats, glyphs: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The first few again, each against each, only where the two differ: variants of one character differ in a stroke."""
    standing = total[first] / float(total[first].min())
    for at, one in enumerate(first):
        for other in first[first != one]:
            difference = glyphs[one].astype(np.float32) - glyphs[other]
            weight = (difference**2).sum(axis=1)
            ours, theirs = float(weight @ apart[:, one]), float(weight @ apart[:, other])
            standing[at] += (ours - theirs) / max(ours + theirs, 1e-6) / (len(first) - 1)
    return first[np.argsort(standing, kind="stable")]


def _absolute(distance: float, index: GlyphIndex) -> float:
    """1 for the very glyph, a half as far as a distorted drawing of it usually is, less beyond: no false certainty."""
    return index.metric.typical / (index.metric.typical + max(distance, 0.0))


def cell_distances(query: Floats, cells: NDArray[np.uint8]) -> Floats:
    """Distances (256, n) by cell of a query (256, 25, 8) from glyphs (n, 256, 8), each cell at its best move."""
    glyphs = cells.transpose(1, 2, 0).astype(np.float32) / np.float32(gradient.QUANTUM)
    # |q - g|² = |g|² - (2 q·g - |q|²); the bracket is one product with a ninth dimension of ones.
    doubled = np.concatenate([2 * query, -(query**2).sum(axis=2, keepdims=True)], axis=2)
    ninth = np.concatenate([glyphs, np.ones_like(glyphs[:, :1])], axis=1)
    apart: Floats = (glyphs**2).sum(axis=1) - np.matmul(doubled, ninth).max(axis=1)
    found: Floats = np.maximum(apart, 0)
    return found

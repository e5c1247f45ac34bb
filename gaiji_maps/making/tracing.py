"""Dots to an outline (輪郭化): a vendor's 24-64 dot bitmap becomes smooth polygons in the em square.

The dots are enlarged, softened by a third of a dot so that stairs become slopes, cut at half, and the border is walked
around. What comes out is proposed to people, like any other glyph.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from gaiji_maps.making.outline import ASCENT, EM, Outline, checked
from records.errors import Place

Point = tuple[int, int]
Step = tuple[int, int]
ENLARGED = 16
SOFTENED_DOTS = 0.35
TOLERANCE_DOTS = 0.12


def traced(picture: NDArray[np.uint8], place: Place, *, smooth: bool = True) -> Outline:
    """The outline of a bitmap (255 = ink) that fills the em square; ``smooth=False`` keeps the dots' corners exactly.

    The bitmap is the whole character cell, not only its ink: its longer side becomes 2048 units.
    """
    side = max(picture.shape)
    square = np.zeros((side, side), bool)
    top, left = (side - picture.shape[0]) // 2, (side - picture.shape[1]) // 2
    square[top : top + picture.shape[0], left : left + picture.shape[1]] = picture >= 128
    mask = _enlarged(square) if smooth else square
    unit = EM / len(mask)
    tolerance = TOLERANCE_DOTS * ENLARGED if smooth else 0.0
    commands: list[tuple[str, tuple[object, ...]]] = []
    for border in _borders(mask):
        points = [(round(x * unit), round(ASCENT - y * unit)) for x, y in _simplified(border, tolerance)]
        commands += [("moveTo", (points[0],)), *(("lineTo", (point,)) for point in points[1:]), ("closePath", ())]
    return checked(Outline(tuple(commands)), place)


def _enlarged(square: NDArray[np.bool_]) -> NDArray[np.bool_]:
    side = len(square) * ENLARGED
    image = Image.fromarray(square.astype(np.uint8) * 255).resize((side, side), Image.Resampling.NEAREST)
    soft = image.filter(ImageFilter.GaussianBlur(SOFTENED_DOTS * ENLARGED))
    found: NDArray[np.bool_] = np.asarray(soft) >= 128
    return found


def _borders(mask: NDArray[np.bool_]) -> Iterator[list[Point]]:
    """Closed walks between ink and paper, ink on the right hand (clockwise on paper), holes the other way round."""
    steps = _steps(np.pad(mask, 1))
    while steps:
        start = min(steps)
        heading = steps[start][0]
        point, walk = start, []
        while True:
            heading = _turned(steps[point], heading)
            steps[point].remove(heading)
            if not steps[point]:
                del steps[point]
            walk.append(point)
            point = (point[0] + heading[0], point[1] + heading[1])
            if point == start:
                break
        yield _corners(walk)


def _steps(mask: NDArray[np.bool_]) -> dict[Point, list[Step]]:
    """Each unit step of the borders by the point (x, y) from which it goes; padding of one is taken off."""
    found: defaultdict[Point, list[Step]] = defaultdict(list)
    above, below, left, right = mask[:-1, :], mask[1:, :], mask[:, :-1], mask[:, 1:]
    for lines, (dx, dy), (x, y) in (
        (below & ~above, (1, 0), (0, 1)),
        (above & ~below, (-1, 0), (1, 1)),
        (left & ~right, (0, 1), (1, 0)),
        (right & ~left, (0, -1), (1, 1)),
    ):
        for row, column in np.argwhere(lines):
            found[int(column) + x - 1, int(row) + y - 1].append((dx, dy))
    return found


def _turned(choices: Sequence[Step], heading: Step) -> Step:
    """Where two dots touch by a corner, the walk turns right and stays with its dot."""
    dx, dy = heading
    return next(step for step in ((-dy, dx), heading, (dy, -dx)) if step in choices)


def _corners(walk: list[Point]) -> list[Point]:
    around = zip(walk[-1:] + walk[:-1], walk, walk[1:] + walk[:1], strict=True)
    return [here for before, here, after in around if not _straight(before, here, after)]


def _straight(before: Point, here: Point, after: Point) -> bool:
    return (here[0] - before[0]) * (after[1] - here[1]) == (here[1] - before[1]) * (after[0] - here[0])


def _simplified(border: list[Point], tolerance: float) -> list[Point]:
    """Douglas-Peucker on a closed border, cut open at its first point and the one farthest from it."""
    if tolerance <= 0 or len(border) < 4:
        return border
    points = np.array([*border, border[0]], float)
    far = int(np.argmax(((points - points[0]) ** 2).sum(axis=1)))
    kept = {0, far, *_kept(points, 0, far, tolerance), *_kept(points, far, len(border), tolerance)}
    return [border[one] for one in sorted(kept) if one < len(border)]


def _kept(points: NDArray[np.float64], first: int, last: int, tolerance: float) -> Iterator[int]:
    """Indices between ``first`` and ``last`` that lie farther than ``tolerance`` from the line drawn so far."""
    pending = [(first, last)]
    while pending:
        start, end = pending.pop()
        if end - start < 2:
            continue
        line = points[end] - points[start]
        away = points[start + 1 : end] - points[start]
        length = float(np.hypot(*line))
        apart = np.abs(away[:, 0] * line[1] - away[:, 1] * line[0]) / length if length else np.hypot(*away.T)
        worst = start + 1 + int(np.argmax(apart))
        if apart.max() > tolerance:
            yield worst
            pending += [(start, worst), (worst, end)]

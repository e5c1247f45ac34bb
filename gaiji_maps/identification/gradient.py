"""Gradient features (方向特徴) of fitted pictures: how strongly edges of eight directions run through each cell.

Two grains of one map: 8 × 8 cells for ranking everything, 16 × 16 cells for comparing the best, there also moved by up
to two pixels a cell. Pictures are made in ``raster``; distances in ``metric`` and ``ranking``.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

from gaiji_maps.identification.raster import SIDE, Picture

Floats = NDArray[np.float32]
DIRECTIONS = 8
COARSE, FINE = 8, 16
COARSE_SIZE = COARSE * COARSE * DIRECTIONS
FINE_CELLS = FINE * FINE
REACH = 2
QUANTUM = 200.0


def direction_maps(pictures: Picture) -> Floats:
    """(n, 64, 64) pictures → (n, 8, 64, 64): gradient length, split between the two nearest of eight directions."""
    grey = gaussian_filter(pictures.astype(np.float32) / 255, (0, 1, 1), mode="constant")
    padded = np.pad(grey, ((0, 0), (1, 1), (1, 1)))
    across = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    length, turn = np.hypot(across, down), np.arctan2(down, across) * (DIRECTIONS / (2 * np.pi))
    lower = np.floor(turn)
    share = length * (turn - lower)
    first = lower.astype(np.int8) % DIRECTIONS
    second = (first + 1) % DIRECTIONS
    rest = length - share
    maps = np.empty((len(pictures), DIRECTIONS, SIDE, SIDE), np.float32)
    for direction in range(DIRECTIONS):
        maps[:, direction] = rest * (first == direction) + share * (second == direction)
    return maps


def coarse(maps: Floats) -> Floats:
    """Direction maps → (n, 512), square root taken, length 1."""
    window = _window(COARSE, 0)
    cells = np.sqrt(np.matmul(np.matmul(window, maps), window.T)).reshape(len(maps), COARSE_SIZE)
    lengths = np.linalg.norm(cells, axis=1, keepdims=True)
    found: Floats = cells / np.where(lengths > 0, lengths, 1)
    return found


def fine(maps: Floats) -> NDArray[np.uint8]:
    """Direction maps → (n, 256, 8) as bytes of 1/200, in which the index keeps them."""
    window = _window(FINE, 0)
    cells = np.sqrt(np.matmul(np.matmul(window, maps), window.T))
    cells = cells.reshape(len(maps), DIRECTIONS, FINE_CELLS).transpose(0, 2, 1)
    found: NDArray[np.uint8] = np.clip(np.rint(cells * QUANTUM), 0, 255).astype(np.uint8)
    return found


def fine_moved(maps: Floats) -> Floats:
    """Direction maps of **one** picture (8, 64, 64) → (256, 25, 8): each cell at its place and moved by up to 2 pixels."""
    window = np.concatenate([_window(FINE, move) for move in range(-REACH, REACH + 1)])
    moves = 2 * REACH + 1
    cells = np.sqrt(np.matmul(np.matmul(window, maps), window.T))
    cells = cells.reshape(DIRECTIONS, moves, FINE, moves, FINE).transpose(2, 4, 1, 3, 0)
    found: Floats = cells.reshape(FINE_CELLS, moves * moves, DIRECTIONS)
    return found


@cache
def _window(cells: int, move: int) -> Floats:
    """(cells, 64): Gaussian windows that overlap, 0.6 cells wide, their centres moved by some pixels."""
    step = SIDE / cells
    width = 0.6 * step
    centres = (np.arange(cells) + 0.5) * step - 0.5 + move
    window = np.exp(-0.5 * ((np.arange(SIDE)[None] - centres[:, None]) / width) ** 2)
    found: Floats = (window / (np.sqrt(2 * np.pi) * width)).astype(np.float32)
    return found

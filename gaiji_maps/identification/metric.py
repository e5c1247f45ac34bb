"""The metric (距離): what differs between drawings of one character counts little, what tells characters apart much.

It is learned from the standard font alone: glyphs are bent, turned, thickened, blurred and drawn in few dots, and the
scatter that this causes in the features is evened out (whitening), then the 256 most telling directions are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates, zoom  # type: ignore[import-untyped]

from gaiji_maps.identification.gradient import Floats, coarse, direction_maps
from gaiji_maps.identification.raster import SIDE, Picture, fitted

DIMENSIONS = 256
REGULARISATION = 0.3
BEND_PIXELS = 1.3
SHEAR = 0.02
DRAWINGS = 5
DOTS = (24, 40)


@dataclass(frozen=True, slots=True)
class Metric:
    """``projection`` (512, 256): features times it are compared by plain distance; ``typical`` is the squared
    distance of one distorted drawing from its glyph, the unit of scores."""

    projection: Floats
    typical: float


def scatter(pictures: Picture, seed: int) -> tuple[NDArray[np.float64], int]:
    """Sum of outer products (512, 512) of what distortions change in the features of ``pictures``, and how many."""
    generator = np.random.default_rng(seed)
    drawn = np.stack([distorted(one, generator, number) for one in pictures for number in range(DRAWINGS)])
    change = coarse(direction_maps(drawn)) - np.repeat(coarse(direction_maps(pictures)), DRAWINGS, axis=0)
    wide = change.astype(np.float64)
    return wide.T @ wide, len(wide)


def learned(within: NDArray[np.float64], features: Floats) -> Metric:
    """The metric from the mean scatter of distortions and the features of all glyphs."""
    values, directions = np.linalg.eigh(within)
    whitening = directions / np.sqrt(values + REGULARISATION * values.mean())
    spread = whitening.T @ np.cov(features.T.astype(np.float64)) @ whitening
    telling = np.linalg.eigh(spread)[1][:, ::-1][:, :DIMENSIONS]
    projection = whitening @ telling
    typical = float(np.trace(projection.T @ within @ projection))
    return Metric(projection.astype(np.float32), typical)


def distorted(picture: Picture, generator: np.random.Generator, number: int) -> Picture:
    """Another drawing of a fitted picture; every fifth (``number`` 4) is also drawn in 24 to 40 dots."""
    bent = _thickened(_bent(picture.astype(np.float32) / np.float32(255), generator), generator)
    drawn = (bent * 255).astype(np.uint8)
    return fitted(_dotted(drawn, generator) if number == DRAWINGS - 1 else drawn)


def _bent(picture: Floats, generator: np.random.Generator) -> Floats:
    """Moved smoothly by about a pixel, sheared and turned a little."""
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    centre = (SIDE - 1) / 2
    down_shear, across_shear = generator.normal(0, SHEAR, 2)
    rows = down + _smooth(generator) + down_shear * (across - centre)
    columns = across + _smooth(generator) + across_shear * (down - centre)
    found: Floats = map_coordinates(picture, [rows, columns], order=1)
    return found


def _smooth(generator: np.random.Generator) -> Floats:
    found: Floats = zoom(generator.normal(0, BEND_PIXELS, (5, 5)), SIDE / 5, order=3).astype(np.float32)
    return found


def _thickened(picture: Floats, generator: np.random.Generator) -> Floats:
    """Blurred by axis and cut at some level: strokes of another weight, horizontal and vertical ones differently."""
    widths = np.abs(generator.normal(0, 0.7, 2)) + 0.3
    level = generator.uniform(0.3, 0.7)
    found: Floats = np.clip((gaussian_filter(picture, widths) - level) * 3 + 0.5, 0, 1)
    return found


def _dotted(picture: Picture, generator: np.random.Generator) -> Picture:
    dots = int(generator.integers(*DOTS, endpoint=True))
    small = np.asarray(Image.fromarray(picture).resize((dots, dots), Image.Resampling.BOX))
    return np.where(small > 110, 255, 0).astype(np.uint8)

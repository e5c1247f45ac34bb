"""The index (字形索引): features of every standard glyph, built once per font, kept under ``home()/cache``, mapped.

58,862 MJ glyphs and 299 変体仮名. Built by as many processes as there are cores; a font of other content gives another
folder. Who asks it is ``ranking``.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gaiji_maps.fonts import standard_font_path
from gaiji_maps.identification import gradient
from gaiji_maps.identification.gradient import Floats
from gaiji_maps.identification.metric import Metric, learned, scatter
from gaiji_maps.identification.raster import GlyphPictures, fitted
from gaiji_maps.standard.table import hentaigana_table, table
from municipalities.site import home
from records.errors import ConfigurationError, Place

VERSION = 2
CHUNK = 512
LEARNED_FROM = 3072
Progress = Callable[[int, int], None]
Part = tuple[Floats, NDArray[np.uint8], NDArray[np.float64], int]


@dataclass(frozen=True)
class GlyphIndex:
    """``names`` MJ文字図形名 per row; ``points`` (n, 256) float32 in the metric; ``cells`` (n, 256, 8) bytes, mapped."""

    names: tuple[str, ...]
    metric: Metric
    points: Floats
    cells: NDArray[np.uint8]

    @cached_property
    def halves(self) -> Floats:
        """Half the squared length of every point: ``points @ query - halves`` orders by distance."""
        found: Floats = (np.einsum("ij,ij->i", self.points, self.points) / 2).astype(np.float32)
        return found

    @cached_property
    def rows(self) -> dict[str, int]:
        """MJ文字図形名 → row."""
        return {name: row for row, name in enumerate(self.names)}


def standard_index(progress: Progress | None = None) -> GlyphIndex:
    """The index of the installed standard font, built when there is none yet (``progress(done, all)`` in glyphs)."""
    path = standard_font_path()
    folder = _folder(path)
    if not folder.is_dir():
        build(path, (*table(), *hentaigana_table()), folder, progress)
    return _opened(folder)


def build(font: Path, names: Sequence[str], folder: Path, progress: Progress | None = None) -> None:
    """Features of the glyphs ``names`` of ``font`` into ``folder``, which appears only when all of it is written."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = Path(tempfile.mkdtemp(prefix=folder.name + ".", dir=folder.parent))
    try:
        _fill(part, font, names, progress)
        _publish(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _fill(part: Path, font: Path, names: Sequence[str], progress: Progress | None) -> None:
    features = np.empty((len(names), gradient.COARSE_SIZE), np.float32)
    shape = (len(names), gradient.FINE_CELLS, gradient.DIRECTIONS)
    cells = np.lib.format.open_memmap(part / "cells.npy", "w+", np.uint8, shape)
    within, count = np.zeros((gradient.COARSE_SIZE, gradient.COARSE_SIZE)), 0
    done = 0
    for coarse, fine, change, drawings in _parts(font, names):
        features[done : done + len(coarse)], cells[done : done + len(fine)] = coarse, fine
        within, count, done = within + change, count + drawings, done + len(coarse)
        if progress:
            progress(done, len(names))
    metric = learned(within / count, features)
    np.save(part / "points.npy", features @ metric.projection)
    np.savez(part / "metric.npz", projection=metric.projection, typical=metric.typical)
    (part / "names.txt").write_text("\n".join(names), "ascii")
    cells.flush()


def _parts(font: Path, names: Sequence[str]) -> Iterator[Part]:
    chunks = [names[at : at + CHUNK] for at in range(0, len(names), CHUNK)]
    learn = max(1, LEARNED_FROM // len(chunks))
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_part, [font] * len(chunks), chunks, [learn] * len(chunks), range(len(chunks)))


def _part(font: Path, names: Sequence[str], learn: int, seed: int) -> Part:
    pictures = GlyphPictures(font)
    drawn = [pictures.of_name(name.lower()) for name in names]
    if absent := [name for name, picture in zip(names, drawn, strict=True) if picture is None]:
        raise ConfigurationError(f"{len(absent)} glyphs are not in the font, first {absent[0]}", Place(font.name))
    fits = np.stack([fitted(picture) for picture in drawn if picture is not None])
    maps = gradient.direction_maps(fits)
    chosen = np.random.default_rng(seed).choice(len(fits), min(learn, len(fits)), replace=False)
    return gradient.coarse(maps), gradient.fine(maps), *scatter(fits[np.sort(chosen)], seed)


def _publish(part: Path, folder: Path) -> None:
    """Another process may have built the same in the meantime: then its folder stays."""
    try:
        part.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _folder(font: Path) -> Path:
    return home() / "cache" / f"identification-{VERSION}-{_sha256(font, font.stat().st_mtime_ns)[:16]}"


@lru_cache(maxsize=4)
def _sha256(path: Path, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=2)
def _opened(folder: Path) -> GlyphIndex:
    with np.load(folder / "metric.npz") as stored:
        metric = Metric(stored["projection"], float(stored["typical"]))
    return GlyphIndex(
        names=tuple((folder / "names.txt").read_text("ascii").split("\n")),
        metric=metric,
        points=np.load(folder / "points.npy", mmap_mode="r"),
        cells=np.load(folder / "cells.npy", mmap_mode="r"),
    )

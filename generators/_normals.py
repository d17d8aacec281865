"""Images without a lesion, from a folder: the backgrounds that some generators paint lesions on."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.contracts import Split
from bench.data.layout import files_by_stem
from bench.errors import BenchError
from bench.images import load_rgb

NORMALS = "folder of lesion-free images, the backgrounds of the samples; without it, each pair's own image"

OLD_LESION = (
    "paints on the pair's own image, whose old lesion would stay there without a mask; name a folder of "
    "lesion-free images with --set NAME.normals=DIR"
)


def normals_missing(name: str, folder: str) -> tuple[str, ...]:
    """A line for a folder that is not there or holds no image; none where `folder` is empty."""
    if not folder:
        return ()
    try:
        found = normals_in(folder)
    except BenchError as error:
        return (f"generator {name}: normals={folder}: {error}",)
    return () if found else (f"generator {name}: normals={folder}: holds no image; add lesion-free images",)


def normals_in(folder: str) -> list[Path]:
    """Its images, sorted by name. BenchError for no such folder, and for two files of one stem."""
    if not Path(folder).is_dir():
        raise BenchError("no such folder; name one with lesion-free images")
    return [path for _, path in sorted(files_by_stem(Path(folder)).items())]


def try_normals(folder: str) -> None:
    """BenchError that names the first image that cannot be read."""
    for path in normals_in(folder) if folder else ():
        load_rgb(path)


def on_normals(conditions: Split, folder: str, seed: int) -> Split:
    """The conditions, each with a lesion-free image in place of its own, drawn by (seed, id)."""
    paths = normals_in(folder)
    return tuple(replace(one, image=_drawn(paths, seed, one.id)) for one in conditions)


def _drawn(paths: Sequence[Path], seed: int, name: str) -> Path:
    return paths[int(np.random.default_rng([seed, zlib.crc32(name.encode())]).integers(len(paths)))]

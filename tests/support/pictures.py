"""Folders of small pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

__all__ = ["GREY", "write_picture", "write_pictures"]

# (picture, row, column) grey levels of which none is another's
GREY = np.random.default_rng(0).permuted(np.arange(3 * 20, dtype=np.uint8) * 4).reshape(3, 4, 5)


def write_picture(path: Path, levels: np.ndarray, **options) -> Path:
    """Write grey levels (row, column), 8 or 16 bits or true and false, in the format that the name tells."""
    Image.fromarray(levels).save(path, **options)
    return path


def write_pictures(folder: Path, names: tuple[str, ...] = ("face1.png", "face2.pgm", "face10.bmp")) -> Path:
    """Write the pictures `GREY` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, levels in zip(names, GREY, strict=True):
        write_picture(folder / name, levels)
    return folder

"""Read a folder of pictures as grey levels, and split them into dark and bright pixels."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainmem.errors import BrainmemError, quoted

__all__ = ["ORIENTATION", "THRESHOLDS", "Pictures", "is_folder", "read_pictures", "split_levels"]

ORIENTATION = "row by row from the top left"
THRESHOLDS = ("median", "mean", "pixel")
_KINDS = "PNG, PGM, JPEG, BMP, GIF, TIFF, ..."
_DIGITS = re.compile(r"([0-9]+)")
_DEEP = ("I", "I;16", "I;16B", "I;16L")  # modes of 16 bits per pixel


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size.

    Attributes
    ----------
    levels : (item, row, column) float array
        From 0, black, to 1, white.
    names : tuple of str
        The files, in their order.
    left_out : tuple of str
        What else the folder holds.
    resized : bool
        Whether some had another size.
    """

    levels: np.ndarray
    names: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    resized: bool = False


def is_folder(given: Any) -> bool:
    """Tell whether something is the path of a folder."""
    try:
        return isinstance(given, str | Path) and Path(given).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def read_pictures(
    folder: str | Path,
    *,
    what: str,
    error: type[BrainmemError],
    size: tuple[int, int] | None = None,
    resample: bool = False,
) -> Pictures:
    """Return the pictures of a folder in the order of their names, numbers in these by their value.

    Parameters
    ----------
    size : (int, int), optional
        Rows and columns that they must have; without it they must all be of one size.
    resample : bool
        Whether those of another size are brought to it, as means over areas.

    Raises
    ------
    BrainmemError
        Of the type `error`: for a folder that is missing or holds no picture, a file that cannot be read, pictures of
        another size.
    """
    files, left_out = _files(folder, what, error)
    images = {path.name: _levels(path, what, error) for path in files}
    wanted = size or next(iter(images.values())).shape
    other = {name: image.shape for name, image in images.items() if image.shape != wanted}
    if other and not (resample and size):
        raise error(f"{what}: {_of_other_size(other, wanted, size, images)}")
    levels = [_resampled(image, wanted) if name in other else image for name, image in images.items()]
    return Pictures(np.stack(levels), tuple(images), left_out, bool(other))


def _files(folder: str | Path, what: str, error: type[BrainmemError]) -> tuple[list[Path], tuple[str, ...]]:
    """Return the pictures of a folder, and the names of what else it holds; hidden files count for nothing."""
    from PIL import Image

    if not is_folder(folder):
        raise error(f"{what}: {quoted(str(folder))} is no folder. Give the path of a folder of pictures ({_KINDS}).")
    known = {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    try:
        every = sorted(Path(folder).expanduser().iterdir(), key=_in_order)
    except OSError as reason:
        raise error(f"{what}: {quoted(str(folder))} cannot be read ({reason.strerror}).") from reason
    shown = [path for path in every if not path.name.startswith(".")]
    files = [path for path in shown if path.suffix.lower() in known and path.is_file()]
    left_out = tuple(path.name for path in shown if path not in files)
    if not files:
        held = f"; it holds {', '.join(left_out[:5])}{' ...' if len(left_out) > 5 else ''}" if left_out else ""
        raise error(f"{what}: {quoted(str(folder))} is a folder without pictures ({_KINDS}){held}.")
    return files, left_out


def _in_order(path: Path) -> list[Any]:
    """Return the key by which ``face2.png`` comes before ``face10.png``."""
    parts = _DIGITS.split(path.name.lower())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def _levels(path: Path, what: str, error: type[BrainmemError]) -> np.ndarray:
    """Return the grey levels of a picture, (row, column), as a viewer shows it: turned as it says, over white."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            frames, mode = getattr(image, "n_frames", 1), image.mode
            shown = ImageOps.exif_transpose(image)
            deep = shown.mode in _DEEP
            levels = np.asarray(shown, dtype=float) / 65535 if deep else _eight_bits(shown)
    except Exception as reason:  # damaged files raise errors of many kinds
        said = " ".join(str(reason).split())[:200]
        raise error(f"{what}: {quoted(path.name)} cannot be read as a picture: {said}.") from reason
    if frames > 1:
        raise error(f"{what}: {quoted(path.name)} holds {frames} pictures. Save them as one file each.")
    if mode == "F" or levels.min() < 0 or levels.max() > 1:
        raise error(
            f"{what}: {quoted(path.name)} holds numbers and no grey levels (mode {mode!r}). Save it with 8 or 16 bits "
            "per pixel, or give an array."
        )
    return levels


def _eight_bits(image: Any) -> np.ndarray:
    from PIL import Image

    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"), dtype=float) / 255


def _of_other_size(
    other: dict[str, tuple[int, ...]],
    wanted: tuple[int, ...],
    size: tuple[int, int] | None,
    images: dict[str, np.ndarray],
) -> str:
    name, shape = next(iter(other.items()))
    first = f"size={size}" if size else f"{next(iter(images))} has {wanted[0]} x {wanted[1]}"
    turned = " It is turned: size is (rows, columns)." if size and shape == wanted[::-1] else ""
    return (
        f"pictures must have one size (rows x columns): {first}, but {name} has {shape[0]} x {shape[1]}"
        f"{f', and {len(other) - 1} more have another size' if len(other) > 1 else ''}.{turned} Crop them, or bring "
        "them to one size by size=(rows, columns) with resample=True."
    )


def _resampled(levels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a picture of another size, each pixel the mean over the area that it covers."""
    from PIL import Image

    rows, columns = shape
    image = Image.fromarray(levels.astype(np.float32)).resize((columns, rows), Image.Resampling.BOX)
    return np.clip(np.asarray(image, dtype=float), 0, 1)


def split_levels(
    levels: np.ndarray,
    threshold: str | float,
    *,
    names: tuple[str, ...],
    what: str,
    error: type[BrainmemError],
    others: np.ndarray | None = None,
) -> np.ndarray:
    """Return which pixels are bright, (item, unit) bool array.

    Parameters
    ----------
    levels : (item, unit) float array
    threshold : {"median", "mean", "pixel"} or float
        A pixel is bright that lies above the median or the mean of its picture, above the mean of the same pixel over
        all pictures (those in `others`, if given), or above a level. Where no pixel lies above the median, those that
        have it are the bright ones.
    names : tuple of str
        Of the pictures, for messages.

    Raises
    ------
    BrainmemError
        Of the type `error`, for a picture whose pixels would all come out alike.
    """
    if threshold == "median":
        middle = np.median(levels, axis=1, keepdims=True)
        bright = levels > middle
        bright = np.where(bright.any(axis=1, keepdims=True), bright, levels >= middle)
    elif threshold == "mean":
        bright = levels > levels.mean(axis=1, keepdims=True)
    elif threshold == "pixel":
        bright = levels > (levels if others is None else others).mean(axis=0)
    else:
        bright = levels > float(threshold)
    alike = np.flatnonzero(bright.all(axis=1) | ~bright.any(axis=1))
    if len(alike):
        raise error(f"{what}: {_all_alike(levels, int(alike[0]), len(alike), threshold, names)}")
    return bright


def _all_alike(levels: np.ndarray, item: int, count: int, threshold: str | float, names: tuple[str, ...]) -> str:
    """Explain a picture whose pixels are all dark or all bright."""
    low, high = levels[item].min(), levels[item].max()
    more = f" ({count} pictures are so)" if count > 1 else ""
    if low == high:
        return f"all pixels of {names[item]} are alike, at level {low:.3g}{more}: it holds no pattern. Leave it out."
    return (
        f"the pixels of {names[item]} lie between {low:.3g} and {high:.3g}, all on one side of threshold={threshold!r}"
        f"{more}. Take 'median' or 'mean', which split every picture, or another level."
    )

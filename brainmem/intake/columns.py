"""Find the columns of a table that are no units: times, numbers of rows, flags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainmem.errors import BrainmemError
from brainmem.intake.units import seconds_of, time_unit

__all__ = ["Series", "check_no_clock", "split_columns", "time_scale"]

_UNIT = (
    r"(ns|nanosec(?:ond)?s?|[uµμ]s(?:ec)?s?|microsec(?:ond)?s?|ms(?:ec)?s?|millisec(?:ond)?s?"
    r"|s|secs?|seconds?|min|minutes?|h|hrs?|hours?)"
)
_IN = rf"(?:[\s_\-.]*(?:in\s+)?[\[(]?\s*{_UNIT}\s*[\])]?)?"
_WHOSE = "system|computer|frame|camera|rel|relative|elapsed|abs|absolute|sample|recording|rec|exp|experiment"
_TIME = re.compile(
    rf"(?:(?:{_WHOSE})[\s_]*)?(?:times?|time[\s_]?stamps?|zeit|temps|tiempo)(?:[\s_]*(?:axis|points?))?{_IN}(?:\s*/.*)?",
    re.I,
)
# So short that a unit may be called this; a first column is not.
_SHORT = re.compile(rf"t{_IN}|{_UNIT}", re.I)
_COUNTER = re.compile(
    r"unnamed: ?\d+|level_\d+|counter|count|index|idx|no\.?|nr\.?|#|id|item|n|obs|observation"
    r"|(frame|sample|row|line|image|scan|volume)s?[\s_]*(counter|count|number|num|no|nr|id|index|idx|#)?\.?",
    re.I,
)
_FRAMES = re.compile(r"frame|sample|image|scan|volume", re.I)
_FLAG = re.compile(
    r"(flags?|led[\s_]?state|state|status|ttl|sync|trigger|event|stim|(in|out)put[\s_]?\d*|camera)s?", re.I
)
_EVEN, _CLOCK = 1e-3, 0.5
_FEWEST = 3


@dataclass(frozen=True)
class Series:
    """Columns that hold units, (row, column), with their names and the times of the rows in seconds, if there are."""

    values: np.ndarray
    names: tuple[str, ...]
    times: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def time_scale(words: Sequence[str], *, first: bool) -> float | None:
    """Return the seconds of one unit of a column of times by the words above it; None for a column of another kind."""
    words = [word.strip() for word in words if word.strip()]
    if not words:
        return None
    for text in dict.fromkeys((words[0], f"{words[0]} ({words[1]})" if len(words) > 1 else words[0], *words[1:])):
        found = _TIME.fullmatch(text) or (_SHORT.fullmatch(text) if first else None)
        if found:
            units = [time_unit(group) for group in found.groups() if group]
            later = [time_unit(word.strip("[]() ")) for word in words[1:]]
            return next((unit for unit in (*units, *later) if unit is not None), 1.0)
    return None


def split_columns(
    values: np.ndarray,
    heads: Sequence[Sequence[str]],
    names: Sequence[str],
    moments: dict[int, list[str]],
    source: str,
    error: type[BrainmemError],
) -> Series:
    """Return the units of a table apart from its times; numbers of rows and flags are left out, and noted.

    Raises
    ------
    BrainmemError
        Of the type `error`, for several columns of times that differ, and for a column that rises as times do
        without being called so.
    """
    clocks = _clocks(values, heads, names, moments)
    others = [k for k in range(values.shape[1]) if k not in clocks and k not in moments]
    counters = [k for k in others if names and _counts(values[:, k], heads[k], first=k == 0)]
    flags = [k for k in others if k not in counters and names and _is_flag(values[:, k], heads[k])]
    if 0 in counters and not clocks and _FRAMES.match(names[0]):
        check_no_clock(values[:, 0], f"column {names[0]!r}", source, error)  # it may stand for the times
    kept = [k for k in others if k not in counters and k not in flags]
    notes = [f"column {names[k]!r} numbers the rows and was left out" for k in counters]
    notes += [f"column {names[k]!r} holds flags and was left out" for k in flags]
    for k in kept:
        name = f"column {names[k]!r}" if names else "its first column" if k == 0 else f"its column {k + 1}"
        check_no_clock(values[:, k], name, source, error)
    times, said = _one_clock(clocks, names, source, error)
    shown = tuple(names[k] for k in kept) if names else tuple(map(str, range(len(kept))))
    return Series(values[:, kept], shown, times, (*notes, *said))


def _clocks(
    values: np.ndarray, heads: Sequence[Sequence[str]], names: Sequence[str], moments: dict[int, list[str]]
) -> dict[int, np.ndarray]:
    """Return the columns of times, in seconds."""
    found = {k: _seconds(texts) for k, texts in moments.items()}
    for k in range(values.shape[1]) if names else ():
        scale = time_scale(heads[k], first=k == 0)
        if scale is not None and k not in moments:
            found[k] = values[:, k] * scale
    return dict(sorted(found.items()))


def _seconds(texts: Sequence[str]) -> np.ndarray:
    """Return moments in time, as text, as seconds after the first; NaN where one cannot be read."""
    found = []
    for text in texts:
        date, _, clock = text.strip().rstrip("Z").replace(",", ".").replace("T", " ").rpartition(" ")
        if ":" not in clock:
            date, clock = clock, "0:00"
        parts = [float(part) for part in clock.split(":")]
        hours, minutes, seconds = (*parts, 0.0, 0.0)[:3]
        found.append(_midnight(date) + 3600 * hours + 60 * minutes + seconds)
    seconds = np.array(found)
    return seconds - seconds[np.isfinite(seconds)][:1].sum() if len(seconds) else seconds


def _midnight(date: str) -> float:
    parts = re.split(r"[./-]", date) if date else []
    if len(parts) != 3:
        return 0.0 if not date else float("nan")
    year, month, day = parts if len(parts[0]) == 4 else parts[::-1]
    try:
        span = np.datetime64(f"{year}-{int(month):02d}-{int(day):02d}") - np.datetime64("2000-01-01")
    except ValueError:
        return float("nan")
    return float(seconds_of(span))


def _one_clock(
    clocks: dict[int, np.ndarray], names: Sequence[str], source: str, error: type[BrainmemError]
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Return the times of the first column of times, after checking that the others agree."""
    if not clocks:
        return None, ()
    first, times = next(iter(clocks.items()))
    for k, other in clocks.items():
        apart = np.abs((other - other[:1]) - (times - times[:1]))
        span = np.median(np.diff(times)) if len(times) > 1 else 1.0
        if k != first and not np.all(apart <= 0.5 * abs(span)):
            raise error(
                f"{source}: columns {names[first]!r} and {names[k]!r} hold different times, up to "
                f"{np.nanmax(apart):g} s apart. Units need the same times: keep one of these columns, or interpolate."
            )
    more = len(clocks) - 1
    return times, (f"{more} more columns of times agree with {names[first]!r} and were left out",) if more else ()


def _counts(values: np.ndarray, words: Sequence[str], *, first: bool) -> bool:
    """Tell whether a column numbers the rows: by its name, or without one as programs write it, and by its values."""
    name = next((word for word in words if word), "")
    if not (_COUNTER.fullmatch(name.strip()) or (first and not name.strip())):
        return False
    steps = np.diff(values)
    whole = np.all(values == np.round(values))
    return len(steps) > 0 and bool(np.all(steps >= 0)) and bool(whole) and bool(steps.any())


def _is_flag(values: np.ndarray, words: Sequence[str]) -> bool:
    name = next((word for word in words if word), "").strip()
    given = values[np.isfinite(values)]
    return bool(_FLAG.fullmatch(name)) and bool(np.all(given == np.round(given))) and len(np.unique(given)) <= 16


def check_no_clock(values: np.ndarray, name: str, source: str, error: type[BrainmemError]) -> None:
    """Refuse a column that rises from row to row in about even steps: it holds times or row numbers, no rates."""
    steps = np.diff(values)
    if len(steps) < _FEWEST or not np.all(steps > 0):
        return
    middle = float(np.median(steps))
    even = np.ptp(steps) <= _EVEN * steps.mean()
    if even or (len(steps) >= 20 and np.mean(np.abs(steps - middle) <= _CLOCK * middle) >= 0.9):
        raise error(
            f"{source}: {name} rises by {'' if even else 'about '}{middle:g} from row to row, as times or row numbers "
            "do. Call it 'time' (seconds), 'time_ms' or 'time_us' in a header if it holds times; remove it if it "
            "numbers the rows."
        )

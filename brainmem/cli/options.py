"""Read what is given on the command line: ``name=value`` pairs, files, devices."""

from __future__ import annotations

import ast
import re
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from brainmem.errors import BrainmemError, ResultError, quoted
from brainmem.storage.files import check_writable as try_file
from brainmem.storage.files import make_folder

__all__ = [
    "check_writable",
    "device_of",
    "make_folder",
    "pairs",
    "parse_part",
    "parse_protocols",
    "parse_seeds",
    "parse_trials",
    "parse_value",
    "records",
    "save_result",
    "settings",
    "sweep_settings",
]

# "30 ms", "1.5e-3 second": a number and a unit with the multiplication sign left out; "5e" lacks its exponent.
_NUMBER_AND_UNIT = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?![eE]\d*$)([A-Za-z]\w*)", re.ASCII)


def settings(given: Iterable[str]) -> dict[str, Any]:
    """Return the parameters set by ``--set name=value``, checked as far as a model is not needed."""
    return {name: parse_value(text, name) for name, text in pairs(given, "--set").items()}


def sweep_settings(given: Iterable[str]) -> dict[str, Any]:
    """Return the parameters set by ``--set name=value,value``: a list where several values are given.

    >>> sweep_settings(["eps=1e-4,3e-4", "tau=20 ms", "test_epochs=(1,2)"])
    {'eps': [0.0001, 0.0003], 'tau': '20*ms', 'test_epochs': (1, 2)}
    """
    found = {}
    for name, text in pairs(given, "--set").items():
        parts = _split(text)
        if not all(parts):
            raise BrainmemError(f"--set {name}={text}: a value is missing. Write for example --set {name}=1e-4,3e-4.")
        values = [parse_value(part, name) for part in parts]
        found[name] = values if len(values) > 1 else values[0]
    return found


def _split(text: str) -> list[str]:
    """Split at the commas that stand in no brackets; one may stand behind the last value."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    parts = [part.strip() for part in parts]
    return parts[:-1] if len(parts) > 1 and not parts[-1] else parts


def parse_seeds(text: str) -> int | list[int]:
    """Return a number of seeds, or the seeds themselves where commas stand between them.

    Raises
    ------
    BrainmemError
        For anything but whole numbers.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise BrainmemError(f"--seeds {text!r}: write how many, --seeds 8, or which, --seeds 3,5,7.")
    return [int(part) for part in parts] if "," in text else int(parts[0])


def parse_part(text: str | None) -> tuple[int, int] | None:
    """Return ``(k, n)`` for the text ``k/n``, the k-th of n parts.

    Raises
    ------
    BrainmemError
        For anything but whole numbers with k from 1 to n.
    """
    if text is None:
        return None
    parts = [part.strip() for part in text.split("/")]
    whole = len(parts) == 2 and all(part.isdecimal() for part in parts)
    number, count = map(int, parts) if whole else (0, 0)
    if not 1 <= number <= count:
        raise BrainmemError(
            f"--index {text!r}: write which part of how many, k/n with k from 1 to n, for example --index 1/8 to "
            "--index 8/8. In a Slurm array of 1 to 8: --index $SLURM_ARRAY_TASK_ID/8."
        )
    return number, count


def parse_trials(text: str | None) -> int | str | None:
    """Return a number of trials, or ``"items"``.

    Raises
    ------
    BrainmemError
        For anything else.
    """
    if text is None or text == "items":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise BrainmemError(f"--trials {text!r}: write how many, --trials 8, or --trials items, one for each item.")
    return int(text)


def parse_protocols(text: str | None) -> str | list[str] | None:
    """Return the name of a protocol, or several where commas stand between them."""
    names = [part.strip() for part in (text or "").split(",") if part.strip()]
    return names if len(names) > 1 else names[0] if names else None


def pairs(given: Iterable[str], option: str) -> dict[str, str]:
    """Split ``name=value`` texts into a mapping.

    Raises
    ------
    BrainmemError
        For a text without ``=`` or a name given twice.
    """
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (sign and name.isidentifier() and value):
            raise BrainmemError(f"{option} {text!r}: write {option} name=value, for example {_EXAMPLES[option]}.")
        if name in found:
            raise BrainmemError(f"{option} {text!r}: {name!r} is given twice ({found[name]!r} before).")
        found[name] = value
    return found


def records(given: Iterable[str]) -> dict[str, tuple[int | str, ...] | None]:
    """Return what ``--record NAME`` or ``--record NAME=WHEN,WHEN`` asks for: epochs, or phases.

    >>> records(["spikes", "recurrent.w=0,10,last", "end_x=dream"])
    {'spikes': None, 'recurrent.w': (0, 10, 'last'), 'end_x': ('dream',)}

    Raises
    ------
    BrainmemError
        For a name given twice, or epochs or phases that are missing.
    """
    found: dict[str, tuple[int | str, ...] | None] = {}
    for text in given:
        name, sign, when = (part.strip() for part in text.partition("="))
        parts = [part.strip() for part in when.split(",") if part.strip()]
        if not name or (sign and not parts) or name in found:
            raise BrainmemError(
                f"--record {text!r}: write each name once, --record spikes, with epochs --record recurrent.w=0,10,last "
                "or with phases --record end_x=dream."
            )
        found[name] = tuple(int(part) if part.isdecimal() else part for part in parts) if sign else None
    return found


_EXAMPLES = {
    "--set": "--set eps=1e-4 or --set tau=30*ms",
    "--input": "--input cue=patterns.npy",
    "--space": "--space eta=1e-3:1:log",
}


def parse_value(text: str, name: str) -> Any:
    """Return a number, a tuple of numbers, or a text with units and parameters (``30*ms``, ``0.03/N``).

    >>> parse_value("20", "N"), parse_value("1e-4", "eps"), parse_value("1, 2, 5", "test_epochs")
    (20, 0.0001, (1, 2, 5))
    >>> parse_value("30 ms", "tau")
    '30*ms'
    """
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        match = _NUMBER_AND_UNIT.fullmatch(text)
        return "*".join(match.groups()) if match else _expression(text, name)
    if _is_number(value) or (isinstance(value, tuple) and all(map(_is_number, value))):
        return value
    raise BrainmemError(f"--set {name}={text}: give a number, numbers separated by commas, or an expression.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _expression(text: str, name: str) -> str:
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise BrainmemError(
            f"--set {name}={text}: this is no number and no expression. Write for example {_EXAMPLES['--set']}."
        ) from None
    return text


def device_of(name: str, threads: int) -> Any:
    """Return the device of that name, with so many threads."""
    from brainmem.engine.device import as_device

    return as_device(name, threads=threads)


def save_result(result: Any, path: Path) -> Path:
    """Save a result; where that fails, save it among the temporary files and say so.

    Raises
    ------
    BrainmemError
        When it could not be saved at `path`; it says where the result is kept.
    """
    try:
        return result.save(path)
    except ResultError as error:
        other = Path(tempfile.gettempdir(), f"{path.stem[:100]}-{uuid.uuid4().hex[:8]}.nc")
        try:
            result.save(other)
        except ResultError:
            raise error from None
        raise BrainmemError(f"{error} The result is kept in {str(other)!r}.") from error


def check_writable(path: Path, option: str = "--output") -> Path:
    """Make the folder of an output file before a long run, and return the path.

    Raises
    ------
    BrainmemError
        When the file could not be written.
    """
    try:
        folder = path.is_dir()
    except (OSError, ValueError) as error:
        raise BrainmemError(f"{option} {quoted(str(path))} cannot name a file: {error}. Name another.") from error
    if folder:
        raise BrainmemError(f"{option} {str(path)!r} is a folder; name a file in it.")
    if not path.parent.exists():
        make_folder(path.parent)
    return try_file(path)

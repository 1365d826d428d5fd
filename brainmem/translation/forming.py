"""The statements that form a summed variable anew: a sum, or the least or greatest of what synapses give."""

from __future__ import annotations

from brainmem.model.names import defined_name
from brainmem.model.reading import extreme_of
from brainmem.text.equations import Equation, grouped

__all__ = ["emptied", "forming"]

EMPTY = {"": "0", "min": "inf", "max": "-inf"}


def emptied(line: Equation) -> str:
    """Return the statement of the units that take a summed variable, with which forming it begins."""
    name, start = line.name.removesuffix("_pre").removesuffix("_post"), EMPTY[extreme_of(line)]
    return f"{name} = {_with_unit(start, line)}"


def forming(line: Equation) -> str:
    """Return the statements that each synapse adds: its term, or its value where that is less or greater.

    What is clipped stays nan, and nothing else does: so ``clip(x, y, y)`` is y, or nan where x is nan.
    """
    extreme, name = extreme_of(line), line.name
    if not extreme:
        return f"{name} += {line.expr}"
    defined = defined_name(name.removesuffix("_pre").removesuffix("_post"))
    value, end = grouped(line.expr), _with_unit("-inf" if extreme == "min" else "inf", line)
    low, high = (end, value) if extreme == "min" else (value, end)
    without = "" if line.unit == "1" else f"/({line.unit})"
    both = f"tanh({name}{without}) + tanh({value}{without})"
    return "\n".join(
        [
            f"{defined} = {_with_unit(f'({both})', line) if without else both}",
            f"{name} = clip({name}, {low}, {high})",
            f"{name} = clip({defined}, {name}, {name})",
        ]
    )


def _with_unit(text: str, line: Equation) -> str:
    return text if line.unit == "1" else f"{text}*{line.unit}"

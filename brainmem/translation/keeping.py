"""Values that statements name and read again behind a statistic: there other statements run, which know no such names.

A value that nothing changes in between is written out where it is read; any other is kept by a variable of the
synapses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from brainmem.model.names import kept_name
from brainmem.text.equations import DRAWS, Equation, grouped, identifiers, rename, split_statement
from brainmem.text.statistics import is_statistic, parts_in

__all__ = ["with_values_kept"]


class _Line(NamedTuple):
    """A statement, and the number of the part in which it runs."""

    target: str
    operator: str
    value: str
    part: int

    @property
    def text(self) -> str:
        return f"{self.target} {self.operator} {self.value}"


def with_values_kept(
    lines: list[str], *, rule: str, stored: Collection[str], units: Mapping[str, str]
) -> tuple[list[str], list[Equation]]:
    """Return statements in parts that need no names of each other, and the variables that keep values for them.

    Parameters
    ----------
    lines : list of str
        Statements, with the lines that set statistics.
    rule : str
        Name of the rule.
    stored : collection of str
        Variables of the synapses; other targets are names of the statements' own.
    units : mapping of str to str
        Units of these names, 1 for those that are not in it.
    """
    code = [_Line(*split_statement(line), part) for part, run in enumerate(parts_in("\n".join(lines))) for line in run]
    declared: list[Equation] = []
    while (name := _crossing(code, stored)) is not None:
        if _stays(code, name, stored):
            value = next(line.value for line in code if line.target == name)
            code = [line._replace(value=rename(line.value, {name: grouped(value)})) for line in code
                    if line.target != name]  # fmt: skip
            continue
        kept = kept_name(rule, name)
        code = [line._replace(target=rename(line.target, {name: kept}), value=rename(line.value, {name: kept}))
                for line in code]  # fmt: skip
        declared.append(Equation(kept, "parameter", units.get(name, "1")))
        stored = {*stored, kept}
    return [line.text for line in code], declared


def _crossing(code: list[_Line], stored: Collection[str]) -> str | None:
    """Return the first name of the statements' own that another part reads or sets."""
    for name in _names(code, stored):
        used = {line.part for line in code if name in {line.target, *identifiers(line.value)}}
        if len(used) > 1:
            return name
    return None


def _names(code: list[_Line], stored: Collection[str]) -> Iterator[str]:
    return (line.target for line in code if line.target not in stored and not is_statistic(line.text))


def _stays(code: list[_Line], name: str, stored: Collection[str]) -> bool:
    """Tell whether a name is set once, from what no statement of the rule changes."""
    values = [line for line in code if line.target == name]
    moving = {line.target for line in code if not is_statistic(line.text)} | DRAWS
    return len(values) == 1 and values[0].operator == "=" and not identifiers(values[0].value) & moving

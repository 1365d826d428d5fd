"""The functions of a model's curves that translated texts call, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from brainmem.model.curves import curve_functions
from brainmem.model.nouns import Curve
from brainmem.text.curves import calls
from brainmem.text.equations import unit_text
from brainmem.translation.text import Table, Translation
from brainmem.translation.visits import visit_code

__all__ = ["with_curves"]

T = TypeVar("T", bound=Translation)


def with_curves(translated: T) -> T:
    """Return `translated` with the tables of those functions of curves that its texts call."""
    curves = translated.model.curves
    if not curves:
        return translated
    text = "\n".join(_texts(translated))
    tables = (table for curve in curves for table in _tables(curve) if calls(text, table.name))
    return replace(translated, tables=(*translated.tables, *tables))


def _tables(curve: Curve) -> Iterator[Table]:
    argument = unit_text(curve.x.dimensions)
    for name, item in curve_functions([curve]).items():
        of = {"value": "", "integral": "integral of ", "slope": "slope of "}[item.returns]
        meaning = f"{of}{curve.meaning or f'the curve {curve.name}'}"
        yield Table(name, None, unit_text(item.unit), meaning, returns=item.returns, argument=argument)


def _texts(translated: Translation) -> Iterator[str]:
    """Yield all that groups and synapses compute."""
    for group in translated.groups:
        yield from (group.equations, group.threshold or "", group.reset or "", group.refractory or "")
        yield from (condition for condition, _, _ in group.events.values())
        yield from (operation.code for operation in group.operations)
        yield visit_code(group.visits) if group.visits else ""
    for item in translated.connections:
        yield from item.texts

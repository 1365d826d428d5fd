"""Checks of statistics over synapses: ``mean(x)``, ``quantile(x, q)``, ``shuffle(x)`` in the texts of rules."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2 import Function
from brian2.core.namespace import DEFAULT_CONSTANTS
from brian2.core.variables import Constant

from brainmem.model.checks.place import Place, listed
from brainmem.model.checks.text import Entry
from brainmem.model.checks.truth import is_condition
from brainmem.text.calls import call_slip
from brainmem.text.equations import DRAWS, identifiers
from brainmem.text.statistics import STATISTICS, statistics_in

__all__ = ["STATISTIC_FUNCTIONS", "check_unstored", "statistic_slip"]


def _function(name: str) -> Function:
    """Return a statistic with the units of its arguments and its value; nothing calls it."""
    numbers: list[Any] = [None, *([1] * (len(STATISTICS[name]) - 1))]
    return Function(np.asarray, arg_units=numbers, return_unit=lambda x, *others: x)


STATISTIC_FUNCTIONS: dict[str, Any] = {name: _function(name) for name in STATISTICS}


def statistic_slip(node: ast.Call, names: Mapping[str, Any]) -> str:
    """Explain a call of a statistic that cannot be formed."""
    if slip := call_slip(node):
        return slip
    if is_condition(node.args[0], names):
        return f"{ast.unparse(node.args[0])!r} is true or false: write int({ast.unparse(node.args[0])}), 1 or 0."
    if drawn := sorted(identifiers(ast.unparse(node.args[0])) & DRAWS):
        return (
            f"it would draw a random number, {drawn[0]}(), for each synapse, which nothing else could read. Store it "
            "in a variable of the synapses first, by a statement of a periodic or episodic rule."
        )
    return _quantile_slip(node.args[1], names) if len(node.args) > 1 else ""


def _quantile_slip(q: ast.expr, names: Mapping[str, Any]) -> str:
    """Explain what cannot tell which quantile is meant; its value is checked with all that parameters decide."""
    text = ast.unparse(q)
    parameters = {name for name, item in names.items() if isinstance(item, Constant)}
    called = {ast.unparse(part.func) for part in ast.walk(q) if isinstance(part, ast.Call)}
    if other := sorted(identifiers(text) - parameters - called - set(DEFAULT_CONSTANTS)):
        return (
            f"which quantile, {text!r}, is the same for all synapses and throughout a run: a number from 0 to 1, or "
            f"text over parameters ({listed(sorted(parameters))}), and {other[0]!r} is none."
        )
    if set(STATISTICS) & called or is_condition(q, names):
        return f"which quantile, {text!r}, is a number from 0 to 1, or text over parameters."
    return ""


def check_unstored(place: Place, entry: Entry) -> None:
    """Refuse a statistic that would be read before it is formed."""
    if entry.stored and (calls := statistics_in(entry.expr)):
        call = ast.unparse(calls[0])
        raise place.error(
            f"{entry.name!r} is stored at the beginning of a time step, (constant over dt), and {call} is formed "
            f"behind it, from the same state. Take out the flag: {call} is formed once in a time step by itself.",
            line=entry.line,
        )

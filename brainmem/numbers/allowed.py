"""Hold start values against those that a population allows its variables (``Population(values=)``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Population
from brainmem.model.phases import turns
from brainmem.model.plan import Plan

__all__ = ["check_unset", "require_allowed", "sample"]

MOST = 2**20  # start values of a variable that are computed for this check alone


def require_allowed(
    model: MemoryModel,
    owner: str,
    variable: str,
    values: np.ndarray,
    *,
    what: str,
    where: Callable[..., str],
    advice: str = "",
) -> None:
    """Raise where a variable would start at a value that its population does not allow.

    Parameters
    ----------
    values : float array
    what : str
        What gives the values, the beginning of the message.
    where : callable
        Returns the words for the place of a value, from its indices.
    advice : str
        A last sentence.
    """
    population = next((item for item in model.populations if item.name == owner), None)
    if population is None or variable not in population.values:
        return
    allowed = population.values[variable]
    wrong = ~np.isin(values, allowed)
    if wrong.any():
        first = tuple(int(k) for k in np.argwhere(wrong)[0])
        others = int(wrong.sum()) - 1
        raise RuleError(
            f"Model {model.name!r}: {what} gives {variable!r} the value {values[first]:g} in {where(*first)}"
            f"{f', and {others} more that are wrong' if others else ''}. {_allowed(population, variable)}"
            f"{f' {advice}' if advice else ''}"
        )


def _allowed(population: Population, variable: str) -> str:
    listed = " or ".join(f"{value:g}" for value in population.values[variable])
    return f"It may start at {listed} alone (values= of population {population.name!r})."


def check_unset(model: MemoryModel, plan: Plan, given: Mapping[str, object], *, spiking: bool) -> None:
    """Refuse variables that begin the run at 0, because nothing sets them, where 0 is not allowed.

    `given` holds start values by ``"population.variable"``. Rates of spiking cells take all values.
    """
    first = plan.phases[plan.phase[0]]
    for population in model.populations:
        moments = (turn for turn in turns(model, population.name) if turn.phase.name == first.name)
        began = {name for turn in moments if turn.moment == "begin" for name in turn.targets}
        for name, allowed in population.values.items():
            set_ = {*population.initial, *first.start, *began}
            if 0 in allowed or name in set_ or f"{population.name}.{name}" in given:
                continue
            if not (spiking and name == population.rate):
                raise RuleError(
                    f"Model {model.name!r}: nothing sets {name!r} when the run begins, so that it starts at 0. "
                    f"{_allowed(population, name)} Give Population(..., initial={{{name!r}: ...}}), or set it in the "
                    f"first phase, {first.name!r} (start= or begin=)."
                )


def sample(items: np.ndarray, size: int) -> np.ndarray:
    """Return the rows of starts to look at where a device draws them: the first of every item, and `MOST` values."""
    firsts = np.unique(items, return_index=True)[1]
    return np.union1d(firsts, np.arange(min(len(items), max(1, MOST // size))))

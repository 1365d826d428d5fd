"""Items that run as trials: each trial shows one of them, in place of one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brainmem.errors import RuleError
from brainmem.model.nouns import Each, Model
from brainmem.model.plan import Plan, plan_protocol
from brainmem.model.steps import counts_run, phases_shown

__all__ = ["ITEMS", "Together", "items_shown", "plan_together"]

ITEMS = "items"  # what ``trials=`` is given for it
ADVICE = "Let them go over the same items, put them into protocols of their own, or leave trials='items' out."


@dataclass(frozen=True)
class Together:
    """The plan of trials that show an item each.

    Attributes
    ----------
    plan : Plan
        One step for each phase; its item is 0, the row of every trial in tables of its own.
    apart : Plan
        That of the run which shows the items one after the other.
    starts : (start, trial) int array
        By number of `plan.starts`, from 1 in row 0, the number that the same start has in `apart.starts`.
    """

    plan: Plan
    apart: Plan
    starts: np.ndarray


def items_shown(model: Model, parameters: Mapping[str, Any]) -> range:
    """Return the items that the protocol goes over.

    Raises
    ------
    RuleError
        When two `Each`, or two epochs, go over other items, or items are drawn with replacement.
    """
    found: dict[tuple[int, int], str] = {}
    names = {phase.name for phase in model.protocol.phases}
    for entry in model.protocol.drawn.schedule:
        for each, epochs, counts in counts_run(model, entry, parameters):
            runs = np.flatnonzero(counts.comings > 0) if names & set(phases_shown(each)) else []
            for row in runs:
                _check_order(model, each)
                first, size = int(counts.first[row]), int(counts.size[row])
                found.setdefault((first, first + size), f"Each({each.phases!r}) in epoch {epochs[row]}")
    if len(found) > 1:
        (one, where), (other, there) = list(found.items())[:2]
        raise RuleError(
            f"Model {model.name!r}: trials='items' runs all items of the protocol at once, but {where} goes over the "
            f"items {_span(one)}, and {there} over {_span(other)}. {ADVICE}"
        )
    if not found:
        raise RuleError(f"Model {model.name!r}: its protocol has no items with these parameters; nothing would run.")
    return range(*next(iter(found)))


def _check_order(model: Model, each: Each) -> None:
    if each.order == "drawn":
        raise RuleError(
            f"Model {model.name!r}: Each({each.phases!r}, order='drawn') draws each item anew, so that some come often "
            "and others never, and with trials='items' each comes in a trial of its own. Write order='fixed', or "
            "leave trials='items' out."
        )


def _span(items: tuple[int, int]) -> str:
    first, stop = items
    return f"{first} to {stop - 1}" if stop - first > 1 else f"{first} alone"


def plan_together(model: Model, parameters: Mapping[str, Any], rng: np.random.Generator, items: range) -> Together:
    """Return the plan of trials that show `items`, one each; see `plan_protocol` and `items_shown`.

    Orders of items are drawn, as those of other protocols, and mean nothing: all come at once.
    """
    apart = plan_protocol(model, parameters, rng)
    one = plan_protocol(model, parameters, np.random.default_rng(0), item=items.start)
    numbers = {tuple(key): number for number, key in enumerate(apart.starts.tolist(), 1)}
    rows = [[numbers[(phase, item, *rest)] for item in items] for phase, _, *rest in one.starts.tolist()]
    starts = np.array(rows, dtype=int).reshape(len(rows), len(items))
    return Together(replace(one, item=np.zeros_like(one.item)), apart, starts)

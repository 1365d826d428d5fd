"""What sums over synapses read, and whether it has changed since they were formed.

Whatever changes the variables of a matrix of synapses counts up its ``_changes``. Arrays of units are compared with
copies, as anything may set them. A sum of which neither has changed is what it was. Brian2's lists of pairs form their
sums in every time step.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from brian2 import Function, Synapses
from brian2.core.variables import ArrayVariable, DynamicArrayVariable, Subexpression
from brian2.utils.stringtools import get_identifiers

from brainmem.text.equations import DRAWS

__all__ = ["CHANGES", "COPY", "UNWATCHED", "Watch", "add_number", "follows_synapses", "watched_arrays"]

CHANGES = "_changes"
COPY = "_seen_"
UNWATCHED = {"_formed": None, "_changing": None, "_age": None, "_watched": ()}


def add_number(synapses: Synapses, name: str) -> str:
    """Give synapses a whole number that the code of several objects may read and set; it begins at 0."""
    if name not in synapses.variables:
        synapses.variables.add_array(name, size=1, dtype=np.int64, scalar=True)
    return name


def watched_arrays(synapses: Synapses, texts: Iterable[str]) -> dict[str, ArrayVariable] | None:
    """Return the arrays beside those of the synapses that sums read, by name; None for sums that change by themselves.

    Parameters
    ----------
    synapses : Synapses
    texts : iterable of str
        Summed expressions.
    """
    found: dict[str, ArrayVariable] = {}
    todo, seen = set().union(*map(get_identifiers, texts)), set[str]()
    while todo:
        name = todo.pop()
        seen.add(name)
        item = synapses.variables.get(name, synapses.namespace.get(name))
        if name in DRAWS or (isinstance(item, Function) and not item.stateless):
            return None
        if isinstance(item, Subexpression):
            todo |= set(item.identifiers) - seen
        elif isinstance(item, ArrayVariable) and not (isinstance(item, DynamicArrayVariable) or item.constant):
            found.setdefault(name, item)
    alike = {id(item): name for name, item in reversed(found.items())}
    return {name: found[name] for name in sorted(alike.values())}


def follows_synapses(synapses: Synapses, text: str) -> bool:
    """Tell whether a summed expression changes only with variables of the synapses."""
    return watched_arrays(synapses, [text]) == {}


class Watch:
    """What a sweep compares to find out whether its sums are to be formed anew.

    Attributes
    ----------
    needed : list of str
        Names of variables that its code needs.
    keywords : dict
        Those of its template: arrays of units that sums read, each with a copy (``_watched``), and the numbers by
        which it knows of changes of the synapses; None in place of these where sums change by themselves.
    """

    def __init__(self, synapses: Synapses, texts: Iterable[str]) -> None:
        found = watched_arrays(synapses, texts)
        self.needed, self.keywords = list[str](), dict(UNWATCHED)
        if found is None:
            return
        numbers = {"_formed": "_formed_sweep", "_changing": CHANGES, "_age": "_age_sweep"}
        self.keywords |= {key: synapses.variables[add_number(synapses, name)] for key, name in numbers.items()}
        copies = {f"{COPY}{item.owner.name}_{item.name}": item for item in found.values()}
        for name, item in copies.items():
            if name not in synapses.variables:
                synapses.variables.add_array(name, size=item.size, dtype=item.dtype)
        self.keywords["_watched"] = [(item, synapses.variables[name]) for name, item in copies.items()]
        self.needed = [*numbers.values(), *found, *copies]

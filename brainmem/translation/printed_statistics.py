"""Print statistics over synapses as the Python functions that a Brian2 script would define."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from brainmem.text.equations import read_equations, rename, write_equations
from brainmem.text.shuffles import places_of_key, tied_places
from brainmem.text.statistics import Statistic, forms_statistics, read_statistics
from brainmem.translation.controller import CONTROLLER, SHUFFLE_SEED
from brainmem.translation.sizes import Pairs
from brainmem.translation.text import Connection, Translation

__all__ = ["printed_shuffle", "shown_with_statistics", "shuffling", "statistic_functions"]

STATISTIC = '''def statistic(function, *units):
    """Return a function of equations whose value has the unit of its first argument."""
    found = Function(function, arg_units=[None, *units], return_unit=lambda x, *others: x, stateless=False)
    found.implementations.add_numpy_implementation(function, discard_units=True)
    return found


'''
SHUFFLE = '''
shuffles_so_far = {{}}


def shuffled(synapses, x, rule, call, recurrent, diagonal):
    """Return the values of all synapses in the order of this update of a rule."""
    update = shuffles_so_far[rule, call] = shuffles_so_far.get((rule, call), -1) + 1
    first, begin = (getattr(end, "start", 0) for end in (synapses.source, synapses.target))
    rows, columns = len(synapses.target), len(synapses.source)
    pre, post = (synapses.variables[name].get_value() for name in ("_synaptic_pre", "_synaptic_post"))
    here = (post - begin)*columns + pre - first
    places = tied_places(rows, columns, recurrent, diagonal, begin - first if recurrent else 0)
    order = places_of_key(float({controller}.{seed}[:]), update, int(rule), int(call), places)
    whole = np.zeros(rows*columns)
    whole[here] = x
    return whole[order[here]]
'''


def _kinds(translated: Translation) -> set[str]:
    return {item.kind for connection in translated.connections for item in _statistics(connection)}


def _statistics(item: Connection) -> Iterator[Statistic]:
    for part in (*item.operations, *item.pathways):
        if forms_statistics(part.code):
            yield from read_statistics(part.code)


def shuffling(translated: Translation) -> bool:
    """Tell whether a rule shuffles."""
    return "shuffle" in _kinds(translated)


def statistic_functions(translated: Translation) -> Iterator[str]:
    """Yield the functions that statistics are formed by."""
    kinds = _kinds(translated)
    if not kinds:
        return
    yield ""
    yield "# Brian2 has no text for statistics over synapses. On its runtime device with numpy code, these functions"
    yield "# get the values of all synapses at once."
    yield STATISTIC
    if "mean" in kinds:
        yield "mean = statistic(lambda x: np.full_like(x, np.mean(x)))"
    if "quantile" in kinds:
        yield "quantile = statistic(lambda x, q: np.full_like(x, np.quantile(x, np.ravel(q)[0])), 1)"
    if "shuffle" in kinds:
        yield "from functools import lru_cache"
        for function in (tied_places, places_of_key):
            yield ""
            yield inspect.getsource(function).rstrip()
        yield SHUFFLE.format(controller=CONTROLLER, seed=SHUFFLE_SEED).rstrip()


def printed_shuffle(item: Connection) -> Iterator[str]:
    """Yield the function that shuffles over the synapses of a connection, if one does."""
    if any(found.kind == "shuffle" for found in _statistics(item)):
        ends = f"{item.source == item.target}, {item.pairs is Pairs.ALL}"
        yield f"{item.name}_shuffled = statistic(lambda x, *of: shuffled({item.name}, x, *of, {ends}), 1, 1)"


def shown_with_statistics(translated: Translation) -> Translation:
    """Return `translated` as a script has it: each synapse holds the statistics that all share."""
    connections = tuple(_shown(item) if any(_statistics(item)) else item for item in translated.connections)
    return replace(translated, connections=connections)


def _shown(item: Connection) -> Connection:
    lines = read_equations(item.equations)
    apart = (replace(line, flags=()) if line.flags == ("shared",) else line for line in lines)
    names = {"shuffle": f"{item.name}_shuffled"}

    def seen(part: Any) -> Any:
        return replace(part, code=rename(part.code, names)) if forms_statistics(part.code) else part

    return replace(
        item,
        equations=write_equations(apart),
        operations=tuple(map(seen, item.operations)),
        pathways=tuple(map(seen, item.pathways)),
    )

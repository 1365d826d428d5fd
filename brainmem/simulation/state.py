"""The state in which a run ends: kept in its result, and taken from there by a run that goes on from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from brainmem.errors import RuleError
from brainmem.model.memory import MemoryModel
from brainmem.model.variants import Variant
from brainmem.numbers.ended import Ended
from brainmem.numbers.run import Given, Numbers
from brainmem.results.by_item import STATE_OF
from brainmem.results.result import Result
from brainmem.simulation.arranged import Outputs, apart, described, rows_run, unit_of
from brainmem.simulation.weights import matrix_of
from brainmem.text.equations import read_equations
from brainmem.translation.controller import CONTROLLER
from brainmem.translation.recorded import LAST_SPIKE, Recorded, kept_at_end
from brainmem.translation.text import Translation

__all__ = ["going_on", "state_at_end", "streams_at_end", "with_missing"]


def state_at_end(
    translated: Translation, numbers: Numbers, outputs: Outputs, *, dense: Mapping[str, str]
) -> dict[str, xr.Variable]:
    """Return the state of units and synapses as the run ended.

    After a phase beside the protocol it is what was set aside. Times of spikes are counted from the end.
    """
    groups = {item.name for item in translated.groups}
    found = {}
    for owner, variable in kept_at_end(translated):
        if owner in groups:
            dims, values, unit = _of_group(translated, numbers, outputs, owner, variable)
        else:
            matrix = _of_synapses(translated, numbers, outputs, f"{owner}.{variable}", dense)
            if matrix is None:
                continue
            lines = read_equations(translated.connection(owner).equations)
            dims, values = (f"state_{owner}_post", f"state_{owner}_pre"), matrix
            unit = next(line.unit for line in lines if line.name == variable)
        item = described(dims, values, unit, f"{variable} of {owner} as the run ended")
        item.attrs[STATE_OF] = f"{owner}.{variable}"
        found[f"state_{owner}_{variable}"] = item
    return found


def _of_group(
    translated: Translation, numbers: Numbers, outputs: Outputs, owner: str, variable: str
) -> tuple[tuple[str, ...], np.ndarray, str]:
    kept = Recorded(owner, f"{variable}_kept", "end")
    item = kept if _beside(numbers, outputs) and kept in outputs else Recorded(owner, variable, "end")
    values = np.asarray(outputs[item], dtype=float)
    if variable == LAST_SPIKE:
        values = values - np.sum(outputs[Recorded(CONTROLLER, "elapsed", "steps")])
    dims, rows = apart(translated, numbers, owner, values[np.newaxis])
    unit = "second" if variable == LAST_SPIKE else unit_of(translated.group(owner), variable)
    return tuple(f"state_{owner}" if dim != "trial" else dim for dim in dims), rows[0], unit


def _of_synapses(
    translated: Translation, numbers: Numbers, outputs: Outputs, key: str, dense: Mapping[str, str]
) -> np.ndarray | None:
    """Return a synaptic variable, (post, pre); None where there are no synapses."""
    owner, variable = key.split(".")
    if translated.trials:
        return numbers.weights.get(key, numbers.synapses.get(key))
    flat = outputs.get(Recorded(owner, variable, "end"))
    return None if flat is None else matrix_of(numbers.ends[owner], flat, dense.get(owner))


def _beside(numbers: Numbers, outputs: Outputs) -> bool:
    """Tell whether the last step ran beside the protocol."""
    return numbers.plan.phases[numbers.plan.phase[rows_run(outputs)[-1]]].restore


def streams_at_end(numbers: Numbers, outputs: Outputs) -> str:
    """Return how far random streams have got, as JSON."""
    return json.dumps({**numbers.streams, "beside": bool(_beside(numbers, outputs))})


def going_on(model: MemoryModel, variant: Variant, given: Given, result: Result) -> Given:
    """Return what is given for a run that goes on from a result: its state, and its patterns where no others are given.

    Raises
    ------
    RuleError
        For a result of the other variant or of other cells, of an unfinished run, or without the state.
    """
    where = f"Model {model.name!r}: after= is a result of {result.model!r}"
    if result.variant != variant.name:
        raise RuleError(
            f"{where}, {result.variant} variant, and the {variant.name} variant has others. Run that of the result, "
            "or hand over what both have, by weights={projection: ...} and initial={'population.variable': ...}."
        )
    options = getattr(variant, "options", {})
    if result.options != options:
        raise RuleError(
            f"{where} whose units were translated with {result.options}, and this run with {options}, whose states are "
            "others. Run both alike, or hand over weights= and initial=."
        )
    state = {
        str(item.attrs[STATE_OF]): np.asarray(item.values, dtype=float)
        for item in result.data.values()
        if STATE_OF in item.attrs
    }
    if not state or "streams" not in result.data.attrs:
        raise RuleError(
            f"{where} that does not hold the state in which it ended. Record it: simulate(..., record=('weights', "
            "'state')). Without it, hand over weights=, and initial= for units."
        )
    result.require_complete()
    streams = json.loads(result.data.attrs["streams"])
    tables = {item.name: result[item.name].values for item in model.all_patterns if item.name in result}
    taken = frozenset(tables.keys() - given.inputs.keys())
    ended = Ended(state, result.seed, streams, beside=bool(streams["beside"]), tables=taken)
    held = f"; {', '.join(sorted(taken))} are those of that run, whatever is drawn or set here" if taken else ""
    said = f"after=: goes on from the {result.variant} run of {result.model!r} with seed {result.seed}{held}"
    return replace(given, inputs={**tables, **given.inputs}, after=ended, notes=(*given.notes, said))


def with_missing(translated: Translation, given: Given) -> Given:
    """Return what is given with a note of what begins with start values, as the run before did not have it.

    Raises
    ------
    RuleError
        Where that run had nothing of what this one needs.
    """
    state = given.after.state if given.after else {}
    names = [f"{owner}.{variable}" for owner, variable in kept_at_end(translated)]
    if not state or not names:
        return given
    if not set(names) & state.keys():
        raise RuleError(
            f"Model {translated.model.name!r}: after= is a result that holds the state of {', '.join(sorted(state))}, "
            f"and this network has {', '.join(names)}. Go on with the model of that run."
        )
    missing = [name for name in names if name not in state]
    said = f"after=: the run before had no {', '.join(missing)}, so that this run begins with start values there"
    return replace(given, notes=(*given.notes, *([said] if missing else [])))

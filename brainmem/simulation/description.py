"""Say in words what a translation does: the schedule of a time step, what becomes of rules, how terms are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from brainmem.model.cell import Cell
from brainmem.model.names import key_of_rank
from brainmem.model.nouns import Population
from brainmem.model.reading import extreme_of
from brainmem.numbers.calibration import Calibration
from brainmem.simulation.verdicts import Expected as Bias
from brainmem.simulation.verdicts import percent, verdicts
from brainmem.text import evaluate
from brainmem.text.equations import read_equations, with_unit
from brainmem.translation.schedule import SLOTS
from brainmem.translation.split.core import SplitRule
from brainmem.translation.split.notes import describe_split
from brainmem.translation.split.terms import UnitNoise
from brainmem.translation.text import Connection, Pathway, Translation, Visits

__all__ = [
    "describe_cells",
    "describe_changes",
    "describe_ranks",
    "describe_schedule",
    "describe_terms",
    "describe_verdicts",
]

# Stands for the noise of a rule that reads no rate.
QUIET = UnitNoise(F=1.0, rate_hz=1.0, cells_per_unit=1, tau_s=1.0)

SHOWN = 0.05  # of a jump of the rate: an overshoot that notes tell of
ANSWERED = 4  # membrane time constants; a trace longer than these hardly sees how the cells answer

LEAD = (
    "while rates change, spikes lead their trace by tau: over a transient, a term c*x at spikes gains tau*c*(change of "
    "x) on read='trace', and a symmetric pair c*x*y gains tau*c*(change of x*y)/2;"
)


def describe_schedule(translated: Translation) -> str:
    """Return what happens within one time step, in order, and which state each sum and update reads."""
    rows = sorted(_rows(translated), key=lambda row: (_slot(row[0]), row[1]))
    lines = [
        "Within one time step (simultaneous Euler: sums, plasticity and neurons all read the state at its beginning; "
        "what runs at its end reads the state at its end, and sums formed again from it):"
    ]
    if any(group.visits for group in translated.groups):
        lines = ["Within one time step (all but the sums read the states that the sweep has left):"]
    lines += [f"  {when:>12} {order:>4}  {text}" for when, order, text in rows]
    return "\n".join(lines)


def _slot(when: str) -> int:
    return SLOTS.index(when)


def _rows(translated: Translation) -> Iterator[tuple[str, int, str]]:
    for group in translated.groups:
        lines = read_equations(group.equations)
        stored = [line.name for line in lines if line.stored]
        if stored:
            yield "before_start", 0, f"{group.name}: store {', '.join(stored)} for this step"
        state = [line.name for line in lines if line.kind == "differential"]
        if state:
            yield group.state_when, group.state_order, f"{group.name}: advance {', '.join(state)}"
        if group.threshold:
            yield "thresholds", 0, f"{group.name}: spike where {group.threshold}"
            if group.reset:
                yield "resets", 0, f"{group.name}: {group.reset}"
        for name, (condition, when, order) in group.events.items():
            yield when, order, f"{group.name}: event {name} where {condition}"
        if group.visits:
            yield group.visits.when, group.visits.order, f"{group.name}: {_visits(group.visits)}"
        for op in group.operations:
            at = f" at {op.event}" if op.event else ""
            code = op.code if "\n" not in op.code else op.name
            yield op.when, op.order, f"{group.name}: {code}{at}"
    for item in translated.connections:
        yield from _connection_rows(item)


def _visits(sweep: Visits) -> str:
    text = f"visit every unit once, in a fresh random order: {'; '.join(sweep.code.splitlines())}"
    for name, term in sweep.follow.items():
        text += f"; where it changes, at once {name} += {term} ({sweep.projection})"
    if sweep.sums:
        text += "; these sums are formed anew where anything else has changed what they read"
    return text


def _connection_rows(item: Connection) -> Iterator[tuple[str, int, str]]:
    lines = read_equations(item.equations)
    for line in lines:
        if line.name in item.always_formed:
            when, order = item.summed_order[line.name]
            yield when, order, f"{item.name}: sum {line.name} = {line.expr}"
    state = [line.name for line in lines if line.kind == "differential"]
    if state:
        yield "groups", item.state_order, f"{item.name}: advance {', '.join(state)}"
    for path in item.pathways:
        what = _formed(item, path) if path.sum_ else path.name
        yield path.when, path.order, f"{item.name}: {what}, at {path.event} of the {path.side} unit"
    for op in item.operations:
        every = f" every {op.dt}" if op.dt else ""
        yield op.when, op.order, f"{item.name}: {op.name}{every}"


def _formed(item: Connection, path: Pathway) -> str:
    """Say what a pathway forms that is formed again at the end of a step, or only at events."""
    line = next(line for line in read_equations(item.equations) if line.name == path.sum_)
    if (path.when, path.order) != item.summed_order[path.sum_]:
        return f"form {path.sum_} again"
    return f"form {path.sum_} = {extreme_of(line) or 'sum'} of {line.expr}"


class Expected(Protocol):
    """What runs let expect of rules and observables; see `verification.bias`."""

    @property
    def noise(self) -> Mapping[str, float]: ...
    def of_rule(self, rule: str) -> Mapping[str, Bias]: ...


def describe_verdicts(translated: Translation, expected: Expected | None = None) -> tuple[str, ...]:
    """Return one line per rule, and per observable that holds noise, on what becomes of it in spikes.

    With sizes where they are `expected` from runs; nothing for the rate variant.
    """
    if translated.variant != "spiking":
        return ()
    found = [
        line
        for verdict in verdicts(translated)
        for line in (verdict.lines(expected.of_rule(verdict.rule)) if expected else (str(verdict),))
    ]
    return (*found, *(_reported(name, expected) for name in translated.reported))


def _reported(name: str, expected: Expected | None) -> str:
    stays = f"observable {name!r} stays what the cells did"
    if expected is None or name not in expected.noise:
        return f"{stays}, noise of spikes included; explain() says how much of it is noise"
    return f"{stays}: {percent(expected.noise[name]).removeprefix('+')} of it is noise of spikes"


def describe_changes(translated: Translation) -> tuple[str, ...]:
    """Return the texts that read something noisy beyond linearly, and what they read instead."""
    return tuple(f"{item.where}: {item.before}  ->  {item.after}" for item in translated.changes)


def describe_cells(
    translated: Translation, parameters: Mapping[str, Any], calibrations: Mapping[str, Calibration] | None = None
) -> tuple[str, ...]:
    """Return lines on cells of the user's own, and on rates that are read over a time that cells take to answer."""
    if translated.spiking is None or translated.neuron == "poisson":
        return ()
    taus = {
        population.name: float(np.asarray(evaluate(translated.units[population.name].tau, parameters)))
        for population in translated.model.populations
        if population.rate
    }
    if cell := translated.spiking.cell:
        known = calibrations or {}
        return tuple(describe_own(name, cell, tau, known.get(name)) for name, tau in taus.items())
    tau_m = float(np.asarray(parameters["tau_m"]))
    return tuple(
        f"{name}: tau = {1e3 * tau:.3g} ms is not much longer than the cells take to answer a "
        f"change of their input (tau_m = {1e3 * tau_m:.3g} ms). Where drives jump, rates follow up to tau_m "
        "later than those of the rate variant; with neuron='poisson' they do not"
        for name, tau in taus.items()
        if tau < ANSWERED * tau_m
    )


def describe_own(population: str, cell: Cell, tau: float, found: Calibration | None) -> str:
    """Return what was measured of the user's own cells, and how far their filtered spikes are the rate."""
    begin = f"{population}: cells {cell.name!r}, driven through {cell.names[cell.input]}"
    if found is None or found.response is None:
        return (
            f"{begin}, in {cell.unit}; their f-I curve, and how fast they follow it, are measured before a run and are "
            "in result.calibration and result.notes"
        )
    response = found.response
    low, high = (with_unit(float(value), found.unit) for value in found.table(1))
    back = f" (back after {1e3 * response.relaxation:.3g} ms)"
    beyond = f" and overshoot it by {response.overshoot:.0%}{back}" if response.overshoot > SHOWN else ""
    return (
        f"{begin} from {low} to {high}: rates miss those asked for by {found.rms:.2%} of rate_max (rms), "
        f"{found.error:.2%} at most; F = {found.fano_at(0.5):.2g} at half of it. After a jump of the input they take "
        f"{1e3 * response.time:.3g} ms to 63 % of the jump of the rate{beyond}: spikes filtered with tau = "
        f"{1e3 * tau:.3g} ms are off by at most {response.off:.0%} of a jump"
    )


def describe_ranks(translated: Translation) -> tuple[str, ...]:
    """Return a line for each rank of units that drives read, in which noise of spikes decides."""
    lines = {(group.name, line.name): line for group in translated.groups for line in read_equations(group.equations)}
    return tuple(
        f"{owner}: {name} orders the units by {lines[owner, key_of_rank(name)].expr} as it is, noise of spikes "
        "included, since drives read it: between units that lie closer together noise decides. More cells_per_unit "
        "make it less"
        for owner, name in translated.deciding
    )


def describe_terms(
    translated: Translation, parameters: Mapping[str, Any], calibrations: Mapping[str, Any] | None = None
) -> tuple[str, ...]:
    """Return how each term of each rule is read from spikes, and the bias that remains at half of `rate_max`.

    Without a calibration F is taken as 1 (Poisson), which bounds the bias of traces from above.
    """
    measured = calibrations or {}
    noises = {
        population.name: _noise(translated, population, parameters, measured.get(population.name))
        for population in translated.model.populations
        if population.rate and translated.splits
    }
    lines = tuple(line for split in translated.splits for line in _described(split, noises))
    return (*lines, *_glossary(translated, parameters, noises))


def _glossary(translated: Translation, parameters: Mapping[str, Any], noises: Mapping[str, UnitNoise]) -> Iterator[str]:
    """Say what holds for all rules: the lead of spikes, and the symbols in the noise of inputs."""
    terms = [term for split in translated.splits for term in split.terms]
    if any({"pre", "post"} & set(term.events) for term in terms):
        yield LEAD
    if not any(term.noise for term in terms):
        return
    yield (
        "where phi' is the slope of the transfer, d rate/d drive, and Var of a summed input is the sum over its "
        "synapses of weight**2*Var(rate), for units that fire independently;"
    )
    for population in (p for p in translated.model.populations if p.name in noises):
        low, high = (float(np.asarray(evaluate(str(end), parameters))) for end in population.rate_range)
        noise = noises[population.name]
        variance = (0.5 * (high - low)) ** 2 * noise.F * noise.relative
        yield f"Var({population.rate}) = F*b = {variance:.2g} in {population.name!r} ({noise})"


def _described(split: SplitRule, noises: Mapping[str, UnitNoise]) -> tuple[str, ...]:
    """Describe a rule with the noise of each population that it joins; one without a rate adds no factor."""
    known = [noises[name] for name in split.populations if name in noises]
    pre, post = (noises.get(name, known[0] if known else QUIET) for name in split.populations)
    return describe_split(split, pre, post)


def _noise(
    translated: Translation, population: Population, parameters: Mapping[str, Any], calibration: Any
) -> UnitNoise:
    """Return the noise of a population's traces at half of its highest rate."""
    unit = translated.units[population.name]
    return UnitNoise(
        F=calibration.fano_at(0.5) if calibration else 1.0,
        rate_hz=0.5 * float(np.asarray(parameters["rate_max"])),
        rate_is="half of rate_max",
        cells_per_unit=int(parameters["cells_per_unit"]),
        tau_s=float(np.asarray(evaluate(unit.tau, parameters))),
    )

"""A model's text as the checks read it: its equations, and the values and units of its parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.core.functions import Function
from brian2.core.variables import Constant, Variable
from brian2.units import get_dimensions, get_unit, second
from brian2.units.fundamentalunits import DIMENSIONLESS

from brainmem.model.checks.findings import Findings
from brainmem.model.curves import curve_functions
from brainmem.model.nouns import Model
from brainmem.model.scalars import single
from brainmem.text.curves import CurveFunction
from brainmem.text.equations import Equation

__all__ = ["Entry", "ModelText", "number", "summed_into", "variable"]


@dataclass(frozen=True)
class Entry(Equation):
    """An equation of a model: the dimensions and type of its variable, and the line in which it stands."""

    dimensions: Any = DIMENSIONLESS
    dtype: type = float
    line: int = 0

    @property
    def expected(self) -> Any:
        """The dimensions that the right-hand side must have."""
        return self.dimensions / get_dimensions(second) if self.kind == "differential" else self.dimensions


@dataclass(frozen=True)
class ModelText:
    """What all checks read.

    Attributes
    ----------
    model : MemoryModel
        Without the parts whose fields or references are wrong.
    found : Findings
        Where the checks note errors.
    values : dict of str to number, Quantity or tuple
        Default values of the parameters.
    units : dict of str to dimensions
        Units of patterns, stimuli and observables.
    neurons, synapses : dict of str to dict of str to Entry
        Variables by population and by projection; those of a projection come from its text and its rules.
    sums : dict of str to tuple of Entry
        Summed equations by projection.
    rules, clocked : dict of str to dict of str to Entry
        Equations of continuous rules, and of the clocked spiking text of rules, by rule.
    unread : set of str
        Populations, projections and rules with a line that could not be read.
    """

    model: Model
    found: Findings
    values: dict[str, Any]
    units: dict[str, Any]
    neurons: dict[str, dict[str, Entry]] = field(default_factory=dict)
    synapses: dict[str, dict[str, Entry]] = field(default_factory=dict)
    sums: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    rules: dict[str, dict[str, Entry]] = field(default_factory=dict)
    clocked: dict[str, dict[str, Entry]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)

    @property
    def constants(self) -> dict[str, Any]:
        """The parameters that equations may read, `N` left to its own meaning, and the curves that they may call."""
        single = {name: value for name, value in self.values.items() if not isinstance(value, tuple) and name != "N"}
        curves = {name: _called(item) for name, item in curve_functions(self.model.curves).items()}
        return {**{name: _constant(name, value) for name, value in single.items()}, **curves}

    def readable(self, population: str) -> dict[str, Variable]:
        """Return what may be read of a population's units: variables and stimuli."""
        names = {name: variable(entry) for name, entry in self.neurons[population].items()}
        for item in self.model.stimuli:
            if item.population == population and item.name in self.units:
                names[item.name] = number(item.name, self.units[item.name])
        return names

    @property
    def scalars(self) -> dict[str, Variable]:
        """The numbers of the whole network that texts read by their names: observables, variables of a single unit."""
        owners = self.owners_of_scalars
        held = {name: self.neurons[several[0]][name] for name, several in owners.items() if len(several) == 1}
        observed = {item.name: self.units[item.name] for item in self.model.observables if item.name in self.units}
        dimensions = {**observed, **{name: entry.dimensions for name, entry in held.items()}}
        return {name: number(name, unit) for name, unit in dimensions.items()}

    @property
    def owners_of_scalars(self) -> dict[str, list[str]]:
        """The populations of a single unit that have a variable, by its name."""
        found: dict[str, list[str]] = {}
        for population in self.model.populations:
            for entry in self.neurons[population.name].values() if single(population) else ():
                if entry.dtype is not bool:
                    found.setdefault(entry.name, []).append(population.name)
        return found

    @property
    def gates(self) -> dict[str, Variable]:
        """The gates: numbers of the whole network, read by their names in units and synapses."""
        return {gate: number(gate) for gate in self.model.protocol.gates}


def summed_into(text: ModelText, population: str) -> dict[str, str]:
    """Return the variables of a population that projections sum into, with the projection of each."""
    ends = [(item, item.target, "_post") for item in text.model.projections]
    ends += [(item, item.source, "_pre") for item in text.model.projections]
    return {
        entry.name.removesuffix(end): item.name
        for item, onto, end in ends
        if onto == population
        for entry in text.sums[item.name]
        if entry.name.endswith(end)
    }


def _called(item: CurveFunction) -> Function:
    """Return a function of a curve, as far as units of measurement are concerned."""
    units = {"arg_units": [get_unit(item.argument)], "return_unit": get_unit(item.unit)}
    return Function(item, arg_types=["any"], arg_names=["x"], **units)


def _constant(name: str, value: Any) -> Constant:
    return Constant(name, float(np.asarray(value)), dimensions=get_dimensions(value))


def number(name: str, dimensions: Any = DIMENSIONLESS, *, scalar: bool = False) -> Variable:
    """Return Brian2's description of a variable of real numbers; without a type, Brian2 looks up its preferences."""
    return Variable(name, dimensions=dimensions, dtype=float, scalar=scalar)


def variable(entry: Entry) -> Variable:
    """Return Brian2's description of an equation's variable."""
    return Variable(entry.name, dimensions=entry.dimensions, dtype=entry.dtype, scalar="shared" in entry.flags)

"""A model's equations, read once through Brian2's parser, with the values and units of its parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from brian2.core.variables import Constant, Variable
from brian2.equations.equations import DIFFERENTIAL_EQUATION, PARAMETER, Equations, dimensions_and_type_from_string
from brian2.units import get_dimensions, second

from brainmem.checks.lines import line_slip, unit_slip
from brainmem.checks.place import Place, place_of
from brainmem.equations.parameters import resolve_parameters

__all__ = ["Entry", "ModelText", "check_draws", "read_equations", "read_model", "read_unit", "summed_into", "variable"]

_KINDS = {DIFFERENTIAL_EQUATION: "differential", PARAMETER: "parameter"}
FLAGS = {
    "differential": {"clock-driven"},
    "subexpression": {"shared", "constant over dt", "summed"},
    "parameter": {"shared", "constant"},
}
REFRACTORY = (
    "a model's units hold rates and do not spike, so nothing is refractory. Take it out: the cells of the spiking "
    "variant are refractory for t_ref, which MemoryModel(spiking={'t_ref': ...}) sets."
)


@dataclass(frozen=True)
class Entry:
    """One equation; `dimensions` are the variable's own."""

    name: str
    kind: str
    dimensions: Any
    dtype: type
    expr: str
    flags: tuple[str, ...]
    line: int

    @property
    def expected(self) -> Any:
        """The dimensions that the right-hand side must have."""
        return self.dimensions / second.dim if self.kind == "differential" else self.dimensions


@dataclass(frozen=True)
class ModelText:
    """What all checks read.

    Attributes
    ----------
    values : dict of str to number, Quantity or tuple
        Default values of the parameters.
    neurons, synapses : dict of str to dict of str to Entry
        Variables by population and by projection; those of a projection come from its text and its rules.
    sums : dict of str to tuple of Entry
        Summed equations by projection.
    """

    model: Any
    values: dict[str, Any]
    neurons: dict[str, dict[str, Entry]]
    synapses: dict[str, dict[str, Entry]]
    sums: dict[str, tuple[Entry, ...]]

    @property
    def constants(self) -> dict[str, Constant]:
        """The parameters that equations may read, `N` left to its own meaning."""
        single = {name: value for name, value in self.values.items() if not isinstance(value, tuple) and name != "N"}
        return {name: _constant(name, value) for name, value in single.items()}

    def readable(self, population: str) -> dict[str, Variable]:
        """Return what may be read of a population: its variables, its stimuli and the gates."""
        names = {name: variable(entry) for name, entry in self.neurons[population].items()}
        for item in self.model.stimuli:
            if item.population == population:
                names[item.name] = Variable(item.name, dimensions=read_unit(self.model, "stimulus", item))
        return names | {gate: Variable(gate) for gate in self.model.protocol.gates}


def summed_into(text: ModelText, population: str) -> dict[str, str]:
    """Return the variables of a population that projections sum into, with the projection of each."""
    onto = (item.name for item in text.model.projections if item.target == population)
    return {entry.name.removesuffix("_post"): name for name in onto for entry in text.sums[name]}


def _constant(name: str, value: Any) -> Constant:
    return Constant(name, float(np.asarray(value)), dimensions=get_dimensions(value))


def variable(entry: Entry) -> Variable:
    """Return Brian2's description of an equation's variable."""
    return Variable(entry.name, dimensions=entry.dimensions, dtype=entry.dtype, scalar="shared" in entry.flags)


def read_unit(model, kind: str, item) -> Any:
    """Return the dimensions of an object's `unit` text."""
    try:
        dimensions, dtype = dimensions_and_type_from_string(item.unit)
    except Exception as error:
        raise place_of(model, kind, item.name).error(f"unit={item.unit!r} is no unit: {_reason(error)}") from error
    if dtype != "float":
        raise place_of(model, kind, item.name).error(f"unit={item.unit!r} must be a unit such as '1' or 'Hz'.")
    return dimensions


def read_equations(place: Place) -> dict[str, Entry]:
    """Parse the equations at a place; the error points at the first line that is wrong."""
    if not place.statements:
        return {}
    try:
        equations = Equations(place.text)
    except Exception as error:
        raise _syntax_error(place, error) from error
    entries = [_entry(place, equation) for equation in equations.values()]
    return {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.line)}


def _entry(place: Place, equation) -> Entry:
    expr = " ".join(equation.expr.code.split()) if equation.expr is not None else ""
    entry = Entry(
        name=equation.varname,
        kind=_KINDS.get(equation.type, "subexpression"),
        dimensions=equation.dim,
        dtype={"boolean": bool, "integer": int}.get(equation.var_type, float),
        expr=expr,
        flags=tuple(equation.flags),
        line=place.line_of(equation.varname),
    )
    for flag in entry.flags:
        if flag not in FLAGS[entry.kind]:
            allowed = ", ".join(sorted(FLAGS[entry.kind] - {"summed", "clock-driven"})) or "none"
            said = REFRACTORY if "refractory" in flag else f"allowed: {allowed}."
            raise place.error(f"flag ({flag}) is not allowed for a {entry.kind}; {said}", line=entry.line)
    return entry


def _syntax_error(place: Place, error: Exception) -> Exception:
    if "cycle" in str(error):
        return _cycle_error(place)
    for number, line in place.statements:
        try:
            Equations(line)
        except Exception as wrong:
            if "cycle" not in str(wrong):
                return place.error(_explained(line, wrong), line=number)
    return place.error(f"{_reason(error)} The text:\n{place.text.strip()}")


def _explained(line: str, error: Exception) -> str:
    if said := line_slip(line):
        return said
    if "'xi" in str(error):
        return "this is not a differential equation, and only these can read 'xi', Brian2's noise."
    if "unit spec" in str(error):
        return unit_slip(line) or _reason(error)
    return f"not a Brian2 equation ('dx/dt = ... : unit', 'x = ... : unit' or 'x : unit'). {_reason(error)}"


def _cycle_error(place: Place) -> Exception:
    """Return the error for equations that read each other in a circle."""
    found = {}
    for number, line in place.statements:
        match = re.match(r"^(\w+)\s*=([^:]*):", line)
        if match:
            found[match[1]] = (number, set(re.findall(r"[A-Za-z_]\w*", match[2])))
    try:
        tuple(TopologicalSorter({name: reads & set(found) for name, (_, reads) in found.items()}).static_order())
    except CycleError as error:
        ring = error.args[1]
        return place.error(
            f"the value of {ring[0]!r} depends on itself ({' <- '.join(ring)}). Give one of them a memory, such as "
            f"'d{ring[0]}/dt = ...', or write it without the others.",
            line=found[ring[0]][0],
        )
    return place.error("equations depend on each other in a circle.")


def _reason(error: Exception) -> str:
    text = str(error.msg if isinstance(error, SyntaxError) else error).strip()
    text = re.sub(r"The following base units are allowed:.*", "", text, flags=re.DOTALL)
    text = re.sub(r"Parsing failed:.*?\^\s*", "", text, flags=re.DOTALL)
    return " ".join(text.split()).rstrip(".") + "."


def read_model(model) -> ModelText:
    """Read all equations and parameters of a model."""
    values = resolve_parameters(model, {})
    neurons = {item.name: _neurons(model, item) for item in model.populations}
    synapses = {item.name: _synapses(model, item) for item in model.projections}
    sums = {
        item.name: tuple(read_equations(place_of(model, "projection", item.name, item.current)).values())
        for item in model.projections
    }
    return ModelText(model, values, neurons, synapses, sums)


def check_draws(place: Place, entry: Entry) -> None:
    """Refuse a subexpression that draws a random number anew wherever it is read."""
    drawn = sorted({"rand", "randn", "poisson", "binomial"} & set(re.findall(r"\w+", entry.expr)))
    if entry.kind == "subexpression" and drawn and not {"constant over dt", "summed"} & set(entry.flags):
        raise place.error(
            f"{entry.name!r} draws a random number, {drawn[0]}(), which would be another one wherever {entry.name!r} "
            f"is read. Draw it once per time step with the flag (constant over dt), or write {drawn[0]}() where it is "
            "read.",
            line=entry.line,
        )


def _neurons(model, population) -> dict[str, Entry]:
    place = place_of(model, "population", population.name, population.equations)
    entries = read_equations(place)
    if not entries:
        raise place.error("it has no equations. Write at least one, such as 'dx/dt = -x/tau : 1'.")
    return entries | _change(place, population, entries)


def _change(place: Place, population, entries: dict[str, Entry]) -> dict[str, Entry]:
    """Return the variable that holds how far a visit moved the state of units that are updated one at a time."""
    state, name = entries.get(population.state), f"{population.state}_change"
    if state is None:
        return {}
    if name in entries:
        raise place.error(
            f"{name!r} is what the last visit to a unit added to {population.state!r}. Choose another name.",
            line=entries[name].line,
        )
    return {name: replace(state, name=name, line=0)}


def _synapses(model, projection) -> dict[str, Entry]:
    """Collect synaptic variables; each may be defined once."""
    found = dict(read_equations(place_of(model, "projection", projection.name, projection.variables)))
    owner = dict.fromkeys(found, f"the variables of projection {projection.name!r}")
    for rule in model.rules:
        if rule.projection == projection.name and rule.continuous:
            place = place_of(model, "rule", rule.name, rule.continuous)
            for name, entry in read_equations(place).items():
                if name in found:
                    raise place.error(
                        f"{name!r} is defined already, by {owner[name]}. Define it once: add the terms of two "
                        "rules in one equation, and leave a variable with 'dw/dt' out of the projection's variables.",
                        line=entry.line,
                    )
                found[name], owner[name] = entry, f"rule {rule.name!r}"
    plain = {name: Entry(name, "parameter", get_dimensions(1), float, "", (), 0) for name in projection.initial}
    return {**plain, **found}

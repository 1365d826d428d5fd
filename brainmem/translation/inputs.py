"""Which of a projection's names are summed inputs, and how their noise goes with the units' rates."""

from __future__ import annotations

from collections.abc import Mapping

from brian2.parsing.sympytools import sympy_to_str

from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Population, Projection
from brainmem.model.reading import Summed, summed_lines, sums_onto
from brainmem.text.derivative import derivative
from brainmem.text.equations import grouped, identifiers, read_equations, rename
from brainmem.translation.dependence import dependents
from brainmem.translation.neurons import SpikingUnit
from brainmem.translation.split.correlations import Correlations

__all__ = ["correlations"]


def correlations(model: MemoryModel, projection: Projection, units: Mapping[str, SpikingUnit]) -> Correlations:
    """Return the summed inputs that a projection's synapses may read, and what is known of their noise."""
    ends = {"pre": projection.source, "post": projection.target}
    seen = {side: _End(model, side, name, units.get(name)) for side, name in ends.items()}
    with_trace = {
        name: text
        for side, other in (("post", "pre"), ("pre", "post"))
        for name in seen[side].inputs
        if (text := seen[side].with_trace(name, seen[other], _weight(projection, side, seen[other])))
    }
    drive = seen["post"].drive
    return Correlations(
        inputs=frozenset(name for end in seen.values() for name in end.inputs),
        drives={side: end.noise(end.drive) for side, end in seen.items() if end.drive},
        with_drive={name: end.noise(name) for end in seen.values() if end.drive for name in end.inputs},
        with_trace=with_trace,
        across=with_trace.get(drive, "") if drive else "",
    )


class _End:
    """One end of a projection: its population's inputs as the synapses name them."""

    def __init__(self, model: MemoryModel, side: str, name: str, unit: SpikingUnit | None) -> None:
        self.model, self.side, self.population = model, side, model.population(name)
        self.rate = f"{self.population.rate}_{side}" if self.population.rate else ""
        lines = unit.lines if unit is not None else read_equations(self.population.equations)
        self.lines = {line.name: line for line in lines}
        self.sums = _sums(model, self.population)
        self.transfer = {self.population.transfer, f"{self.population.rate}_phi"}
        follows = {item for item in self.lines if self._sums_in(item)}
        drive, quiet = self.population.drive, self._quiet()
        self.inputs = {f"{item}_{side}" for item in {*self.sums, *follows, *filter(None, [drive])} - quiet}
        self.drive = f"{drive}_{side}" if unit is not None and drive and drive not in quiet else ""

    def _quiet(self) -> set[str]:
        """Return the variables of the population's own text that depend on no rate, and so carry no noise of spikes."""
        noisy = dependents(self.model)
        own = {line.name for line in read_equations(self.population.equations)}
        return {name for name in own if (self.population.name, name) not in noisy}

    def _sums_in(self, name: str) -> set[str]:
        """Return the summed variables that a variable follows at once, the transfer of the drive left out."""
        if name in self.sums:
            return {name}
        line = self.lines.get(name)
        if line is None or line.kind != "subexpression" or name in self.transfer:
            return set()
        return set().union(*(self._sums_in(item) for item in line.names - {name}), set())

    def noise(self, name: str) -> str:
        """Return the covariance of an input with the drive, as text."""
        drive = self.drive.removesuffix(f"_{self.side}")
        base = name.removesuffix(f"_{self.side}")
        equal = base == drive or self._is_all_of(drive, base)
        same = next((item for item in sorted(self.sums) if self._is_all_of(drive, item)), drive)
        return f"Var({same}_{self.side})" if equal else f"Cov({name}, {self.drive})"

    def _is_all_of(self, drive: str, base: str) -> bool:
        """Tell whether a sum is the only noisy part of the drive, with factor 1."""
        if base not in self.sums or self._sums_in(drive) != {base}:
            return False
        slope = derivative(self._written_out(drive), base)
        return bool(slope == 1)

    def _written_out(self, name: str) -> str:
        """Return a subexpression in terms of sums and stored variables."""
        line = self.lines.get(name)
        if name in self.sums or line is None or line.kind != "subexpression":
            return name
        inner = {item: f"({self._written_out(item)})" for item in line.names if self._sums_in(item)}
        return rename(line.expr, inner)

    def with_trace(self, name: str, other: _End, weight: tuple[str, str]) -> str:
        """Return the covariance of an input with the trace at the other end, ``""`` where there is none."""
        base = name.removesuffix(f"_{self.side}")
        sources = {self.sums[item] for item in self._sums_in(base)}
        if not other.rate or other.population.name not in sources:
            return ""
        own, slope = weight
        if own and (base == own or self._is_all_of(base, own)):
            return f"{grouped(slope)}*Var({other.rate})"
        return f"Cov({other.rate}, {name})"


def _sums(model: MemoryModel, population: Population) -> dict[str, str]:
    """Return the summed variables of a population, with the population whose units they sum."""
    return {item.variable: item.over for item in sums_onto(model, population.name)}


def _weight(projection: Projection, side: str, other: _End) -> tuple[str, str]:
    """Return the sum onto one side that grows with the rate of the other and its slope, ``("u", "w")``.

    Empty if there is none.
    """
    sums = [Summed(projection, line) for line in summed_lines(projection)]
    found = [item for item in sums if item.end == f"_{side}" and other.rate in identifiers(item.line.expr)]
    if len(found) != 1 or not other.rate:
        return "", ""
    slope = derivative(found[0].line.expr, other.rate)
    return found[0].variable, sympy_to_str(slope)

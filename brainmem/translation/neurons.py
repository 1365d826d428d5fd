"""Give rate units a spiking body: drive-matched populations.

A unit keeps its equations; only its rate is replaced. In the rate form
``tau*dr/dt = -r + phi`` the rate becomes a trace of the unit's spikes with the same tau. In the
current form ``tau*du/dt = -u + I + h`` the spikes are filtered before the weights instead of the
current after them, which is the same filter: ``u = I + y``, ``tau*dy/dt = -y + h``. That holds for sums that are
linear in rates of this form with the same tau; other sums stay in the equation of y.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy
from brian2.core.namespace import DEFAULT_UNITS
from brian2.parsing.sympytools import sympy_to_str

from brainmem.errors import TranslationError
from brainmem.model.memory import MemoryModel
from brainmem.model.names import expected_name
from brainmem.model.nouns import Population
from brainmem.model.reading import sums_onto
from brainmem.text.derivative import derivative
from brainmem.text.equations import Equation, definitions, grouped, identifiers, read_equations, written_out
from brainmem.translation.filters import moves, refusal, symbolic, time_constant

__all__ = ["SpikingUnit", "spiking_unit"]


@dataclass(frozen=True)
class SpikingUnit:
    """A population's equations with its rate read from spikes.

    Attributes
    ----------
    lines : tuple of Equation
        The unit's equations.
    tau : str
        Time constant of the trace.
    filtered : str
        In the current form, the variable that filters the input; empty in the rate form.
    """

    population: Population
    lines: tuple[Equation, ...]
    tau: str
    unit: str
    low: str
    high: str
    form: str
    currents: str = ""
    filtered: str = ""

    @property
    def rate(self) -> str:
        """Name of the rate."""
        assert self.population.rate is not None  # other populations have no spikes
        return self.population.rate

    @property
    def trace(self) -> str:
        """Name of the filtered spikes, 0 ... 1."""
        return f"{self.population.rate}_s"

    @property
    def activity(self) -> str:
        """Name of the rate asked of the cells, 0 ... 1."""
        return f"{self.population.rate}_activity"

    @property
    def expected(self) -> str:
        """Name of the rate that the model's equations give for the drive of the cells (`expected.expect`)."""
        return expected_name(self.rate)

    @property
    def expected_line(self) -> Equation:
        """The equation of the expected rate."""
        span = f"({self.high} - ({self.low}))"
        asked = f"{self.low} + {span}*{self.activity}"
        if self.form == "current":
            return Equation(self.expected, "subexpression", self.unit, asked)
        return Equation(self.expected, "differential", self.unit, f"({asked} - {self.expected})/{grouped(self.tau)}")

    @property
    def asked(self) -> str:
        """Name of the rate that the drive asks for, before it is cut to the range that spikes carry."""
        return str(self.population.transfer) if self.form == "rate" else f"{self.population.rate}_phi"

    @property
    def beyond(self) -> tuple[str, str, str]:
        """Names of how far, in ranges, the drive has asked for more and for less than the range, and how often."""
        rate = self.population.rate
        return f"{rate}_over", f"{rate}_under", f"{rate}_beyond"

    @property
    def state(self) -> dict[str, str]:
        """State variables of the unit, with their units."""
        return {line.name: line.unit for line in self.lines if line.kind == "differential"}

    def rate_of(self, trace: str) -> str:
        """Return the text of the rate that a trace reads as."""
        return f"({self.low} + (({self.high}) - ({self.low}))*{trace})"

    def trace_of(self, value: str) -> str:
        """Return the text of the trace that reads as the rate `value`."""
        return f"(({value}) - ({self.low}))/(({self.high}) - ({self.low}))"


def spiking_unit(model: MemoryModel, population: Population) -> SpikingUnit:
    """Return the unit-level equations of a population in the spiking variant.

    Raises
    ------
    TranslationError
        When the population's equations have neither the rate nor the current form.
    """
    lines = {line.name: line for line in read_equations(population.equations)}
    rate = lines.get(population.rate or "")
    if rate is not None and rate.kind == "differential":
        return _rate_form(model, population, rate, lines)
    return _current_form(model, population, lines)


def _range(population: Population) -> tuple[str, str]:
    low, high = (str(value) for value in population.rate_range)
    return low, high


def _readout(population: Population, rate: str, phi: str, unit: str, tau: str) -> list[Equation]:
    low, high = _range(population)
    span = f"({high} - ({low}))"
    return [
        Equation(f"{rate}_activity", "subexpression", "1", f"clip(({phi} - ({low}))/{span}, 0, 1)"),
        Equation("count", "parameter", "1"),
        Equation(f"{rate}_s", "differential", "1", f"-{rate}_s/{grouped(tau)}"),
        Equation(rate, "subexpression", unit, f"{low} + {span}*{rate}_s"),
    ]


def _rate_form(model: MemoryModel, population: Population, line: Equation, lines: dict[str, Equation]) -> SpikingUnit:
    transfer = population.transfer
    assert transfer is not None  # the checks of a model have seen to it
    tau = time_constant(model, population, line)
    rest = sympy.simplify(symbolic(f"({line.expr})*({tau}) + {line.name}"))
    if sympy.simplify(rest - symbolic(transfer)) != 0:
        raise refusal(model, population, line, _advice(population, line, rest, tau))
    kept = [item for item in lines.values() if item.name != line.name]
    readout = _readout(population, line.name, transfer, line.unit, tau)
    low, high = _range(population)
    return SpikingUnit(population, (*kept, *readout), tau, line.unit, low, high, "rate")


def _advice(population: Population, line: Equation, rest: sympy.Expr, tau: str) -> str:
    """Say what a rate relaxes to in place of its transfer, and how to write that."""
    found, transfer = sympy_to_str(rest), population.transfer
    if "xi" in {str(symbol) for symbol in rest.free_symbols}:
        return "There is no place for noise (xi): spiking cells have noise of their own (sigma_v). Leave it out."
    return (
        f"Here it relaxes to {found}, not to its transfer {transfer!r}. "
        f"Write '{transfer}_all = {found} : {line.unit}', "
        f"'d{line.name}/dt = ({transfer}_all - {line.name})/({tau}) : {line.unit}' and transfer='{transfer}_all'."
    )


def _current_form(model: MemoryModel, population: Population, lines: dict[str, Equation]) -> SpikingUnit:
    drive, transfer = lines.get(population.drive or ""), lines.get(population.rate or "")
    if drive is None or transfer is None or population.transfer != transfer.name or drive.kind != "differential":
        raise TranslationError(
            f"Model {model.name!r}, population {population.name!r}: its rate {population.rate!r} is a subexpression, "
            f"so it must itself be the transfer (transfer={population.rate!r}) of a drive with dynamics "
            f"(d{population.drive}/dt = ...); got transfer={population.transfer!r}, drive={population.drive!r}."
        )
    tau = time_constant(model, population, drive)
    summing = replace(drive, expr=_with_sums_written_out(model, population, drive.expr, lines))
    currents, rest = _currents(model, population, summing, tau)
    phi, filtered = f"{population.rate}_phi", f"{drive.name}_input"
    swapped = {
        drive.name: [
            Equation(filtered, "differential", drive.unit, f"(-{filtered} + {rest})/{grouped(tau)}"),
            replace(drive, kind="subexpression", expr=f"{currents} + {filtered}"),
        ],
        transfer.name: [replace(transfer, name=phi, flags=())],
    }
    kept = [new for line in lines.values() for new in swapped.get(line.name, [line])]
    low, high = _range(population)
    readout = _readout(population, transfer.name, phi, transfer.unit, tau)
    return SpikingUnit(population, (*kept, *readout), tau, transfer.unit, low, high, "current", currents, filtered)


def _with_sums_written_out(model: MemoryModel, population: Population, expr: str, lines: dict[str, Equation]) -> str:
    """Return an expression with subexpressions that contain a sum in full: ``(zf + zp)`` for ``z = zf + zp``."""
    inner = definitions(lines.values(), stored=True)
    holding = {item.variable for item in sums_onto(model, population.name)}
    found: dict[str, str] = {}
    while new := {n: text for n, text in inner.items() if n not in found and identifiers(text) & {*holding, *found}}:
        found |= new
    return written_out(expr, found)


def _currents(model: MemoryModel, population: Population, drive: Equation, tau: str) -> tuple[str, str]:
    """Split ``tau*du/dt + u`` into the summed currents whose filter moves to the spikes, and the rest."""
    read = [i.variable for i in sums_onto(model, population.name) if i.variable in identifiers(drive.expr)]
    moving = [name for name in read if moves(model, population, name, tau)]
    total = sympy.expand(symbolic(f"({drive.expr})*({tau}) + {drive.name}"))
    symbols = [sympy.Symbol(name, real=True) for name in moving if sympy.Symbol(name, real=True) in total.free_symbols]
    currents = sum((derivative(total, symbol.name) * symbol for symbol in symbols), sympy.Integer(0))
    rest = sympy.simplify(total - currents)
    blocked = (rest.free_symbols & set(symbols)) | (currents.free_symbols & {sympy.Symbol(drive.name, real=True)})
    if blocked:
        raise TranslationError(
            f"Model {model.name!r}, population {population.name!r}: the spiking variant cannot carry "
            f"d{drive.name}/dt = {drive.expr}: it must be linear in the summed currents "
            f"({', '.join(moving)}) so that their filter can move to the spikes. Put "
            f"nonlinear terms into the transfer {population.transfer!r}. The rate variant runs the equation as it is."
        )
    constant = {line.name for line in read_equations(population.equations) if "constant" in line.flags}
    constant |= {item.name for item in model.parameters} | set(DEFAULT_UNITS)
    if changing := sorted({str(symbol) for symbol in currents.free_symbols - set(symbols)} - constant):
        raise TranslationError(
            f"Model {model.name!r}, population {population.name!r}: in d{drive.name}/dt = {drive.expr} a summed "
            f"current is multiplied by {', '.join(changing)}, which may change in time. The spiking variant filters "
            "spikes before the weights, so it would multiply behind the filter what the equation multiplies before it. "
            "Multiply by parameters only. The rate variant runs the equation as it is."
        )
    return sympy_to_str(currents), sympy_to_str(rest)

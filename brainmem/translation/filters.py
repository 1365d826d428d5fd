"""The filters of rates: time constants, and which sums let their filter move from the current to the spikes."""

from __future__ import annotations

import sympy
from brian2.core.namespace import DEFAULT_UNITS
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

from brainmem.errors import TranslationError
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Population
from brainmem.model.reading import Summed, sums_onto
from brainmem.text.derivative import derivative
from brainmem.text.equations import Equation, definitions, identifiers, read_equations, rename, written_out
from brainmem.translation.common import synaptic_text

__all__ = ["moves", "refusal", "symbolic", "time_constant"]


def refusal(model: MemoryModel, population: Population, line: Equation, advice: str) -> TranslationError:
    """Return the error for an equation that filtered spikes cannot carry."""
    name = line.name
    target, meaning = ("phi", "the rate asked of the cells") if name == population.rate else ("h", "its inputs")
    return TranslationError(
        f"Model {model.name!r}, population {population.name!r}: the spiking variant cannot carry d{name}/dt = "
        f"{line.expr}. Filtered spikes obey d{name}/dt = ({target} - {name})/tau and no other equation: {name} relaxes "
        f"to {target}, {meaning}, with a constant tau. {advice} The rate variant runs the equation as it is."
    )


def time_constant(model: MemoryModel, population: Population, line: Equation) -> str:
    """Return the time constant of a line ``dx/dt = (... - x)/tau``."""
    name = line.name
    slope = derivative(symbolic(line.expr), name)
    tau = sympy.simplify(-1 / slope) if slope != 0 else None
    known = {item.name for item in model.parameters}
    names = {str(symbol) for symbol in tau.free_symbols} if tau is not None else set()
    if tau is None or name in names:
        kind = "no" if tau is None else "no linear"
        raise refusal(
            model, population, line, f"Here there is {kind} leak -{name}/tau. Write one as a term of its own."
        )
    if names - known - set(DEFAULT_UNITS):
        advice = (
            f"Here the time constant {sympy_to_str(tau)} is not constant. Write it with numbers and parameters only."
        )
        raise refusal(model, population, line, advice)
    return sympy_to_str(tau)


def symbolic(text: str) -> sympy.Expr:
    """Return a text as an expression of real numbers."""
    return str_to_sympy(text)


def moves(model: MemoryModel, population: Population, name: str, tau: str, *, inner: tuple[str, ...] = ()) -> bool:
    """Whether a sum is linear in rates of the current form, directly or through sums of populations without a rate.

    Sums of anything else (states of input populations, rates with dynamics of their own) keep the filter behind them.
    """
    found = [
        _moves_from(model, item, tau, inner=(*inner, f"{population.name}.{name}"))
        for item in sums_onto(model, population.name)
        if item.variable == name
    ]
    return all(found)


def _moves_from(model: MemoryModel, item: Summed, tau: str, *, inner: tuple[str, ...]) -> bool:
    source, end = model.population(item.over), item.other_end
    lines = {line.name: line for line in read_equations(source.equations)}
    text = synaptic_text(model, item.projection, item.line.expr)
    written = definitions(lines.values(), keep={source.rate} if source.rate else ())
    seen = {name: f"{name}{end}" for name in lines}
    text = written_out(text, {f"{name}{end}": rename(expr, seen) for name, expr in written.items()})
    names = {name.removesuffix(end) for name in identifiers(text) if name.endswith(end)} & set(lines)
    sums = {other.variable for other in sums_onto(model, source.name)} & names
    sums = {name for name in sums if f"{source.name}.{name}" not in inner}
    carried = {name for name in sums if moves(model, source, name, tau, inner=inner)} if source.rate is None else set()
    drive = lines.get(source.drive or "")
    if source.rate is not None and drive is not None and lines[source.rate].kind != "differential":
        _check_drive(model, item, text, names, tau, drive)
        carried = names & {source.rate}
    if carried:
        _check_linear(model, item, text, carried)
    return bool(carried)


def _check_drive(model: MemoryModel, item: Summed, text: str, names: set[str], tau: str, drive: Equation) -> None:
    """Refuse to read a drive, which is a sum itself in spikes, and rates whose filter is another."""
    source = model.population(item.over)
    where = f"Model {model.name!r}, projection {item.projection.name!r}: "
    if source.drive in names:
        raise TranslationError(
            f"{where}the spiking variant cannot sum {text}: there the drive {source.drive} of {source.name!r} is "
            f"itself a sum of this time step. Let it read the rate {source.rate}. The rate variant runs it as it is."
        )
    own = time_constant(model, source, drive)
    if source.rate in names and sympy.simplify(symbolic(own) - symbolic(tau)) != 0:
        raise TranslationError(
            f"{where}the units of {source.name!r} have the time constant {own} and those of {item.onto!r} "
            f"{tau}. The spiking variant filters the spikes of a unit once, with its own time constant, in place of "
            "the currents that they cause, so both must be the same. Give them one time constant, or write the rates "
            "as states (dr/dt = (phi - r)/tau). The rate variant runs the equations as they are."
        )


def _check_linear(model: MemoryModel, item: Summed, text: str, carried: set[str]) -> None:
    total = symbolic(text)
    symbols = [sympy.Symbol(f"{name}{item.other_end}", real=True) for name in sorted(carried)]
    if any(derivative(total, symbol.name).free_symbols & set(symbols) for symbol in symbols):
        raise TranslationError(
            f"Model {model.name!r}, projection {item.projection.name!r}: the spiking variant cannot sum {text}: it "
            "filters spikes in place of this current, which is the same only where the current is linear in "
            f"{', '.join(sorted(carried))}. Put the nonlinear part into the transfer. The rate "
            "variant runs it as it is."
        )

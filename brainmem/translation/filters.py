"""The filters of rates: time constants, and which sums let their filter move from the current to the spikes."""

from __future__ import annotations

import sympy
from brian2.core.namespace import DEFAULT_UNITS
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

from brainmem.errors import TranslationError
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Population, Projection
from brainmem.model.reading import summed_lines
from brainmem.text.lines import Line, definitions, identifiers, read_lines, rename, written_out
from brainmem.translation.common import synaptic_text

__all__ = ["moves", "refusal", "sums_onto", "symbolic", "time_constant"]


def refusal(model: MemoryModel, population: Population, line: Line, advice: str) -> TranslationError:
    """Return the error for an equation that filtered spikes cannot carry."""
    name = line.name
    target, meaning = ("phi", "the rate asked of the cells") if name == population.rate else ("h", "its inputs")
    return TranslationError(
        f"Model {model.name!r}, population {population.name!r}: the spiking variant cannot carry d{name}/dt = "
        f"{line.expr}. Filtered spikes obey d{name}/dt = ({target} - {name})/tau and no other equation: {name} relaxes "
        f"to {target}, {meaning}, with a constant tau. {advice} The rate variant runs the equation as it is."
    )


def time_constant(model: MemoryModel, population: Population, line: Line) -> str:
    """Return the time constant of a line ``dx/dt = (... - x)/tau``."""
    name = line.name
    slope = sympy.diff(symbolic(line.expr), sympy.Symbol(name, real=True))
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


def sums_onto(model: MemoryModel, population: Population) -> list[str]:
    """Return the names of the sums that a population receives."""
    return [
        line.name.removesuffix("_post")
        for projection in model.projections
        if projection.target == population.name
        for line in summed_lines(projection)
    ]


def moves(model: MemoryModel, population: Population, name: str, tau: str, *, inner: tuple[str, ...] = ()) -> bool:
    """Whether a sum is linear in rates of the current form, directly or through sums of populations without a rate.

    Sums of anything else (states of input populations, rates with dynamics of their own) keep the filter behind them.
    """
    found = [
        _moves_from(model, projection, line.expr, tau, inner=(*inner, f"{population.name}.{name}"))
        for projection in model.projections
        if projection.target == population.name
        for line in summed_lines(projection)
        if line.name == f"{name}_post"
    ]
    return all(found)


def _moves_from(model: MemoryModel, projection: Projection, text: str, tau: str, *, inner: tuple[str, ...]) -> bool:
    source = model.population(projection.source)
    lines = {line.name: line for line in read_lines(source.equations)}
    text = synaptic_text(model, projection, text)
    written = definitions(lines.values(), keep={source.rate} if source.rate else ())
    text = written_out(text, {f"{name}_pre": _on_side(expr, lines) for name, expr in written.items()})
    names = {name.removesuffix("_pre") for name in identifiers(text) if name.endswith("_pre")} & set(lines)
    sums = {name for name in names & set(sums_onto(model, source)) if f"{source.name}.{name}" not in inner}
    carried = {name for name in sums if moves(model, source, name, tau, inner=inner)} if source.rate is None else set()
    drive = lines.get(source.drive or "")
    if source.rate is not None and drive is not None and lines[source.rate].kind != "differential":
        _check_drive(model, projection, text, source, names, tau, drive)
        carried = names & {source.rate}
    if carried:
        _check_linear(model, projection, text, carried)
    return bool(carried)


def _on_side(text: str, lines: dict[str, Line]) -> str:
    return rename(text, {name: f"{name}_pre" for name in lines})


def _check_drive(
    model: MemoryModel, projection: Projection, text: str, source: Population, names: set[str], tau: str, drive: Line
) -> None:
    """Refuse to read a drive, which is a sum itself in spikes, and rates whose filter is another."""
    where = f"Model {model.name!r}, projection {projection.name!r}: "
    if source.drive in names:
        raise TranslationError(
            f"{where}the spiking variant cannot sum {text}: there the drive {source.drive} of {source.name!r} is "
            f"itself a sum of this time step. Let it read the rate {source.rate}. The rate variant runs it as it is."
        )
    own = time_constant(model, source, drive)
    if source.rate in names and sympy.simplify(symbolic(own) - symbolic(tau)) != 0:
        raise TranslationError(
            f"{where}the units of {source.name!r} have the time constant {own} and those of {projection.target!r} "
            f"{tau}. The spiking variant filters the spikes of a unit once, with its own time constant, in place of "
            "the currents that they cause, so both must be the same. Give them one time constant, or write the rates "
            "as states (dr/dt = (phi - r)/tau). The rate variant runs the equations as they are."
        )


def _check_linear(model: MemoryModel, projection: Projection, text: str, carried: set[str]) -> None:
    total = symbolic(text)
    symbols = [sympy.Symbol(f"{name}_pre", real=True) for name in sorted(carried)]
    if any(sympy.diff(total, symbol).free_symbols & set(symbols) for symbol in symbols):
        raise TranslationError(
            f"Model {model.name!r}, projection {projection.name!r}: the spiking variant cannot sum {text}: it "
            "filters spikes in place of this current, which is the same only where the current is linear in "
            f"{', '.join(sorted(carried))}. Put the nonlinear part into the transfer. The rate "
            "variant runs it as it is."
        )

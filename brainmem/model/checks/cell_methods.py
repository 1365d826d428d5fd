"""Whether Brian2 can integrate the equations of a cell with the method asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brian2.equations.equations import Equations
from brian2.stateupdaters.base import StateUpdateMethod

from brainmem.model.checks.cell_parts import entries_of, membrane_of, noise_of, place_in, values_of
from brainmem.text.equations import Equation, write_equations

if TYPE_CHECKING:
    from brainmem.model.cell import Cell

__all__ = ["METHODS", "check_method"]

METHODS = ("euler", "exponential_euler", "heun", "milstein", "rk2", "rk4", "exact")


def check_method(cell: Cell) -> None:
    """Raise `RuleError` where Brian2's method cannot integrate the equations: not their noise, or not their terms."""
    equations = _whole(cell)
    if not _fails(equations, cell.method):
        return
    able = [repr(method) for method in METHODS if not _fails(equations, method)]
    place = place_in(cell)
    if equations.is_stochastic and not able:
        raise place.error(
            "no method can integrate its noise: white noise, xi, must enter an equation as one term, ...*xi, and in no "
            "power or function."
        )
    noisy = equations.is_stochastic and _fails_with_any_noise(cell.method)
    why = "equations with noise (xi)" if noisy else f"these equations: {_fails(equations, cell.method)}"
    raise place.error(f"method={cell.method!r} cannot integrate {why.rstrip('.')}. Take method={' or '.join(able)}.")


def _whole(cell: Cell) -> Equations:
    """Return the equations that will be integrated: with the noise that is added, and without parameters."""
    noise, membrane, values = noise_of(cell), membrane_of(cell), values_of(cell)
    lines = []
    for entry in entries_of(cell).values():
        more = f" + {noise}" if noise and membrane and entry.name == membrane.name else ""
        if entry.name not in values:
            lines.append(Equation(entry.name, entry.kind, entry.unit, f"{entry.expr}{more}", entry.flags))
    return Equations(write_equations(lines))


def _fails(equations: Equations, method: str) -> str:
    """Return why a method cannot integrate equations, ``""`` if it can."""
    try:
        StateUpdateMethod.apply_stateupdater(equations, {}, method)
    except Exception as error:  # what Brian2 raises differs between its methods
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def _fails_with_any_noise(method: str) -> bool:
    return bool(_fails(Equations("dv/dt = -v/second + xi/second**0.5 : 1"), method))

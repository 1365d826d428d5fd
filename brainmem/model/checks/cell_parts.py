"""What the text of a cell of the user's own holds: its equations, values, units, and the membrane among its names."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.equations.equations import dimensions_and_type_from_string
from brian2.units import Quantity, get_dimensions, have_same_dimensions, second

from brainmem.errors import RuleError, quoted
from brainmem.intake.units import has_unit, without_unit
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.flags import check_draws
from brainmem.model.checks.place import Place, listed
from brainmem.model.checks.reading import entries_at
from brainmem.model.checks.reserved import own_meaning
from brainmem.model.checks.scope import DRAWS, Scope, shown_unit, time_names
from brainmem.model.checks.text import Entry, number, variable
from brainmem.text.equations import definitions, identifiers, unit_text, written_out
from brainmem.text.expression import evaluate

if TYPE_CHECKING:
    from brainmem.model.cell import Cell

__all__ = [
    "check_entry",
    "entries_of",
    "input_unit",
    "is_held",
    "membrane_of",
    "names_of",
    "noise_of",
    "number_of",
    "place_in",
    "scope_of",
    "statements_of",
    "values_of",
    "white_noise",
]

SHARED = {"tau_m": second, "t_ref": second, "sigma_v": 1}  # of the spiking variant, read where a cell has none
FLAGS = {
    "differential": {"unless refractory"},
    "subexpression": {"constant over dt"},
    "parameter": {"constant", "shared"},
}
# Of an input that is not declared: the first that fits.
UNITS = ("1", "amp", "volt", "siemens", "amp/metre**2", "siemens/metre**2", "volt/second", "hertz", "coulomb", "ohm")


def place_in(cell: Cell, part: str = "", text: str = "") -> Place:
    """Return the place of a part of a cell."""
    return Place(f"Cell {cell.name!r}" + (f", {part}" if part else ""), text)


def values_of(cell: Cell) -> dict[str, Any]:
    """Return the values of a cell's parameters, and of the time for which it is refractory.

    Raises
    ------
    RuleError
        For what is no finite number.
    """
    given = dict(cell.parameters)
    if cell.refractory is not None and not isinstance(cell.refractory, str):
        given["refractory"] = cell.refractory
    done: dict[str, Any] = {}
    todo = dict(given)
    while todo:
        ready = [name for name, value in todo.items() if not (isinstance(value, str) and _reads(value) & set(todo))]
        if not ready:
            raise place_in(cell).error(
                f"parameters depend on each other in a circle: {listed(todo)}. Give one of them a number."
            )
        for name in ready:
            done[name] = number_of(cell, name, todo.pop(name), done)
    return {name: done[name] for name in given}


def _reads(value: str) -> set[str]:
    return identifiers(value)


def number_of(cell: Cell, name: str, given: Any, known: Mapping[str, Any]) -> Any:
    """Return a number with its unit, or what a text over known ones is; `name` says in messages whose it is."""
    place = place_in(cell, f"parameter {name!r}" if name != "refractory" else "refractory")
    value = given
    try:
        if isinstance(given, str):
            value = evaluate(given, known)
        elif has_unit(given) and not isinstance(given, Quantity):
            bare, dimensions = without_unit(given)
            value = Quantity(bare, dim=get_dimensions(evaluate(unit_of(dimensions), {})))
        array = np.asarray(value)
    except (RuleError, ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        raise place.error(f"{quoted(given)} is no number. {error}") from error
    if isinstance(value, bool | np.bool_) or array.ndim or array.dtype.kind not in "iuf" or not np.isfinite(array):
        raise place.error(f"{quoted(given)} must be one finite number, with its unit, or text over other parameters.")
    return value if isinstance(value, Quantity) and not have_same_dimensions(value, 1) else float(array)


def unit_of(dimensions: Any) -> str:
    """Return Brian2 text for seven exponents of base units."""
    names = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
    return "*".join(f"{name}**{power}" for name, power in zip(names, dimensions, strict=True) if power) or "1"


def entries_of(cell: Cell, found: Findings | None = None) -> dict[str, Entry]:
    """Return the equations of a cell; its input among them, with the unit that fits where none is declared."""
    place = place_in(cell, "equations", cell.equations)
    entries, whole = entries_at(place, Findings() if found is None else found, FLAGS)
    read = {name for entry in entries.values() for name in entry.names}
    if not whole or cell.input in {*entries, *cell.parameters} or cell.input not in read:
        return entries
    for unit in UNITS:
        dimensions, _ = dimensions_and_type_from_string(unit)
        tried = {**entries, cell.input: Entry(cell.input, "parameter", unit, dimensions=dimensions)}
        quiet, scope = Findings(), scope_of(cell, tried, values_of(cell))
        if all(quiet.passes(check_entry, place, entry, scope) for entry in tried.values()):
            return tried
    known = {*scope_of(cell, entries, values_of(cell)).names, cell.input}
    if any(name not in known and not own_meaning(name) for name in read):  # of which the checks of the text tell
        return {**entries, cell.input: Entry(cell.input, "parameter", "1")}
    return entries


def names_of(cell: Cell) -> tuple[str, ...]:
    """Return every name of a cell's own: variables, input, parameters."""
    entries = entries_of(cell)
    return tuple(dict.fromkeys((*entries, cell.input, *values_of(cell))))


def statements_of(reset: str) -> str:
    """Return the statements of a reset, one on each line."""
    return "\n".join(part.strip() for part in reset.replace(";", "\n").splitlines() if part.strip())


def input_unit(cell: Cell) -> str:
    """Return the unit of a cell's input as Brian2 text."""
    entries = entries_of(cell)
    if cell.input in entries:
        return entries[cell.input].unit
    return unit_text(get_dimensions(values_of(cell)[cell.input]))


def scope_of(cell: Cell, entries: Mapping[str, Entry], values: Mapping[str, Any]) -> Scope:
    """Return what the texts of a cell may read."""
    names = {name: number(name, get_dimensions(unit), scalar=True) for name, unit in SHARED.items()}
    names |= {name: number(name, get_dimensions(value), scalar=True) for name, value in values.items()}
    names |= {name: variable(entry) for name, entry in entries.items()}
    names |= {**time_names(), "lastspike": number("lastspike", get_dimensions(second))}
    return Scope(names)


def check_entry(place: Place, entry: Entry, scope: Scope) -> None:
    """Raise for an equation whose right-hand side cannot be read, or has another unit."""
    if entry.kind == "parameter":
        return
    own = Scope({**scope.names, **{name: number(name, get_dimensions(second**-0.5)) for name in white_noise(entry)}})
    if entry.dtype is bool:
        own.require_boolean(place, entry.expr, line=entry.line)
        return
    what = f"d{entry.name}/dt" if entry.kind == "differential" else repr(entry.name)
    own.require(place, entry.expr, entry.expected, what=what, line=entry.line)
    check_draws(place, entry)


def is_held(cell: Cell) -> bool:
    """Tell whether a cell is refractory while a condition holds, and not for a time."""
    if not isinstance(cell.refractory, str) or not cell.refractory.strip():
        return False
    return scope_of(cell, entries_of(cell), values_of(cell)).is_condition(cell.refractory)


def white_noise(entry: Entry) -> set[str]:
    """Return the names of the white noise that an equation reads."""
    return {name for name in entry.names if name == "xi" or name.startswith("xi_")}


def membrane_of(cell: Cell) -> Entry | None:
    """Return the variable whose rise the threshold waits for, None where none has a differential equation.

    It is the first that the greater side of the threshold reads: v in ``"v > th"``, ``"th < v"`` and ``"v - th > 0"``.
    """
    entries = entries_of(cell)
    text = written_out(cell.threshold, definitions(entries.values(), stored=True))
    tested = [(name, sign) for name, sign in _signed(ast.parse(text.strip(), mode="eval").body, 1) if name in entries]
    tested.sort(key=lambda item: item[1] < 0)
    return next((entries[name] for name, _ in tested if entries[name].kind == "differential"), None)


def _signed(node: ast.AST, sign: int) -> Iterator[tuple[str, int]]:
    """Yield the names of a condition, in order, and whether their rise makes it hold (1) or fail (-1)."""
    if isinstance(node, ast.Name):
        yield node.id, sign
    elif isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            up = -sign if isinstance(operator, ast.Lt | ast.LtE) else sign
            yield from _signed(left, up)
            yield from _signed(right, -up)
    elif isinstance(node, ast.UnaryOp):
        yield from _signed(node.operand, sign if isinstance(node.op, ast.UAdd) else -sign)
    elif isinstance(node, ast.BinOp):
        yield from _signed(node.left, sign)
        yield from _signed(node.right, -sign if isinstance(node.op, ast.Sub | ast.Div) else sign)
    else:
        for inner in ast.iter_child_nodes(node):
            yield from _signed(inner, sign)


def noise_of(cell: Cell) -> str:
    """Return the term that `noise` adds to the equation of the membrane, ``""`` for none.

    Raises
    ------
    RuleError
        Where there is noise already, no membrane to add it to, or a unit that does not fit.
    """
    if cell.noise is None:
        return ""
    place, membrane, entries = place_in(cell, "noise"), membrane_of(cell), entries_of(cell)
    if membrane is None:
        raise place.error(
            f"noise={cell.noise!r} is added to the equation of the membrane, and no variable of the threshold "
            f"{cell.threshold!r} has one (dv/dt = ...). Write the noise into the equations, with xi, and noise=None."
        )
    if held := sorted(white_noise(membrane)):
        raise place.error(
            f"noise={cell.noise!r} would be added to d{membrane.name}/dt, which holds noise already, {held[0]!r}. "
            "Leave one of them out; noise=None leaves the equations as they are."
        )
    found = scope_of(cell, entries, values_of(cell)).dimensions(place, cell.noise)
    if drawn := sorted(identifiers(cell.noise) & DRAWS):
        raise place.error(
            f"noise={cell.noise!r} is the size of white noise, and draws numbers itself, {drawn[0]}(). Leave them out."
        )
    xi = _free(entries)
    root = get_dimensions(second**0.5)
    if found is membrane.dimensions:
        return f"({cell.noise})*sqrt(2/tau_m)*{xi}"
    if found is membrane.dimensions / root:
        return f"({cell.noise})*{xi}"
    wanted = shown_unit(membrane.dimensions)
    raise place.error(
        f"noise={cell.noise!r} has unit {shown_unit(found)}; it must have that of {membrane.name!r}, {wanted} (a "
        f"standard deviation, scaled with sqrt(2/tau_m)), or {shown_unit(membrane.dimensions / root)}."
    )


def _free(entries: Mapping[str, Entry]) -> str:
    """Return a name for white noise that no equation reads: two of one name would be the same noise."""
    taken = set().union(*map(white_noise, entries.values()))
    names = ("xi", *(f"xi_noise{'_' * more}" for more in range(len(taken) + 1)))
    return next(name for name in names if name not in taken)

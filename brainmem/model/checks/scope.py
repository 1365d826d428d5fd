"""The names that a text may read, and the dimensions of expressions over them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS
from brian2.core.variables import Variable
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.units import get_dimensions, get_unit, second

from brainmem.errors import RuleError, closest
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.finite import comparison_slip, pole_slip
from brainmem.model.checks.lines import NESTED
from brainmem.model.checks.place import Place, listed
from brainmem.model.checks.statistics import STATISTIC_FUNCTIONS, statistic_slip
from brainmem.model.checks.text import ModelText, number
from brainmem.model.checks.truth import is_condition, truth_slip
from brainmem.text.calls import ARGUMENTS, call_slip, function_hint
from brainmem.text.equations import identifiers
from brainmem.text.ranking import RANKING
from brainmem.text.slips import equation_slip, foreign_character, syntax_slip
from brainmem.text.statistics import STATISTICS, shuffles, without_shared

__all__ = ["DRAWS", "Scope", "comparing", "shown_unit", "time_names"]


@dataclass
class Scope:
    """Names with their units, and why other names of the model cannot be used here.

    Attributes
    ----------
    names : dict of str to Variable
    hints : dict of str to str
        What to write in place of a name that is known, but not here.
    made : dict of str to str
        Why statements may not give these names to values of their own.
    functions : dict of str to Function
        What may be called beside Brian2's functions.
    statistics : bool
        Whether texts may call statistics over all synapses (`brainmem.text.statistics`).
    """

    names: dict[str, Any]
    hints: dict[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    functions: Mapping[str, Any] = field(default_factory=dict)
    statistics: bool = False

    def dimensions(self, place: Place, expr: str, *, line: int = 0) -> Any:
        """Return the dimensions of an expression, or raise for what it may not hold and units that do not fit."""
        tree = _parsed(place, expr, line)
        quoted = "" if line else f"{expr!r}: "
        if slip := equation_slip(tree, expr):
            raise place.error(quoted + slip, line=line)
        found = Findings()
        self._check_names(place, tree, line, found)
        self._check_calls(place, tree, line, found)
        found.close()
        if slip := truth_slip(tree, self.names):
            raise place.error(quoted + slip, line=line)
        try:
            found = parse_expression_dimensions(expr, self._variables())
        except Exception as error:
            reason = error.msg if isinstance(error, SyntaxError) else getattr(error, "desc", str(error))
            raise place.error(f"{expr!r}: {' '.join(str(reason).split())}", line=line) from error
        if slip := pole_slip(tree, expr) or comparison_slip(tree):
            raise place.error(quoted + slip, line=line)
        return found

    def _check_names(self, place: Place, tree: ast.AST, line: int, found: Findings) -> None:
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
        for name in sorted(read - set(self.names) - set(DEFAULT_UNITS) - set(DEFAULT_CONSTANTS)):
            found.note(self._unknown(place, name, line))
        for name in sorted(name for name in read if isinstance(self.names.get(name), Function)):
            found.note(place.error(UNCALLED.format(name=name, called=f"{name}(x)"), line=line, about=name))

    def _check_calls(self, place: Place, tree: ast.AST, line: int, found: Findings) -> None:
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if slip := self._call_slip(node):
                found.note(place.error(f"{ast.unparse(node)!r}: {slip}", line=line))

    def _call_slip(self, node: ast.Call) -> str:
        name = ast.unparse(node.func)
        if isinstance(self.names.get(name), Function):
            return call_slip(node)
        if name in self.names:
            inner = ", ".join(map(ast.unparse, node.args)) or "..."
            return f"{name} is no function: write {name}*({inner}) for a product."
        if name in RANKING and name not in self.functions:
            return COMPARES.format(name=name, call=ast.unparse(node))
        if name in self.functions:
            return call_slip(node) or self._number_slip(node)
        if name in STATISTICS and self.statistics:
            return statistic_slip(node, self.names)
        if name not in DEFAULT_FUNCTIONS:
            curves = (key for key, item in self.names.items() if isinstance(item, Function))
            known = sorted({*DEFAULT_FUNCTIONS, *self.functions, *curves, *(STATISTICS if self.statistics else ())})
            hint = function_hint(name, node, drawing=False) or closest(name, known)
            return f"unknown function {name!r}.{hint} Functions: {listed(known)}."
        return call_slip(node)

    def _number_slip(self, node: ast.Call) -> str:
        """Explain an argument with a unit, where units are compared by numbers rounded to 1e-9."""
        for arg in map(ast.unparse, node.args):
            try:
                unit = parse_expression_dimensions(arg, self._variables())
            except Exception:  # told of the whole expression
                return ""
            if not unit.is_dimensionless:
                return (
                    f"it compares numbers without unit, rounded to 1e-9, and {arg!r} has unit {shown_unit(unit)}. "
                    "Divide by a parameter of this unit."
                )
        return ""

    def require(self, place: Place, expr: str, dimensions: Any, *, what: str, line: int = 0) -> None:
        """Raise unless an expression is a number with the dimensions that `what` must have."""
        found = self.dimensions(place, expr, line=line)
        if self.is_condition(expr):
            raise place.error(
                f"{expr!r} is true or false, but {what} is a number: write int({expr}), which is 1 or 0.", line=line
            )
        if found is not dimensions:
            raise place.error(
                f"{expr!r} has unit {shown_unit(found)}, but {what} must have unit {shown_unit(dimensions)}.", line=line
            )

    def is_shared(self, expr: str) -> bool:
        """Tell whether an expression has one value for all units or synapses; every one draws random numbers anew."""
        return not (identifiers(expr) & DRAWS or shuffles(expr) or self.apart(expr))

    def apart(self, expr: str) -> list[str]:
        """Return the names that an expression reads and that differ between units or synapses."""
        names = identifiers(without_shared(expr)) & set(self.names)
        return [name for name in sorted(names) if not getattr(self.names[name], "scalar", True)]  # functions differ not

    def is_condition(self, expr: str) -> bool:
        """Tell whether an expression is true or false."""
        return is_condition(ast.parse(expr.strip(), mode="eval").body, self.names)

    def require_boolean(self, place: Place, expr: str, *, line: int = 0) -> None:
        """Raise unless an expression is true or false."""
        self.dimensions(place, expr, line=line)
        if not self.is_condition(expr):
            raise place.error(f"{expr!r} must be a condition, such as 'overlap > 0.95'.", line=line)

    def _variables(self) -> dict[str, Any]:
        statistics = STATISTIC_FUNCTIONS if self.statistics else {}
        return {**_everywhere(), **self.functions, **statistics, **self.names}

    def _unknown(self, place: Place, name: str, line: int) -> RuleError:
        if name in self.hints:
            return place.error(f"{name!r} cannot be used here: {self.hints[name]}", line=line, about=name)
        if name in DEFAULT_FUNCTIONS or name in self.functions:
            called = f"{name}({', '.join(ARGUMENTS.get(name, ('...',)))})"
            return place.error(UNCALLED.format(name=name, called=called), line=line)
        reason = f"unknown name {name!r}.{self._near(name)} Names known here: {listed(self.names)}."
        return place.error(reason, line=line, about=name)

    def _near(self, name: str) -> str:
        same = [known for known in (*self.names, "True", "False") if known.lower() == name.lower()]
        if same:
            return f" Did you mean {same[0]!r}?"
        bare = [hint for hint in self.hints if not hint.endswith(ENDS)]
        return closest(name, [*self.names, *bare]) or closest(name, self.hints)


COMPARES = (
    "{name} compares the units of a population with each other, which their equations, observables and statements at "
    "the ends of phases may: write 'place = {call} : 1' in the equations, and read it by that name, in synapses as "
    "place_pre or place_post."
)
UNCALLED = "{name!r} is a function and needs parentheses: write {called}."
DRAWS = {"rand", "randn", "poisson", "binomial"}
ENDS = ("_pre", "_post", "_i", "_j")


@lru_cache
def _everywhere() -> dict[str, Any]:
    """Return what every equation may read."""
    return {**DEFAULT_UNITS, **{name: number(name) for name in DEFAULT_CONSTANTS}, **DEFAULT_FUNCTIONS}


def _parsed(place: Place, expr: str, line: int) -> ast.AST:
    slip = foreign_character(expr)
    try:
        tree = ast.parse(expr.strip(), mode="eval").body
    except (MemoryError, RecursionError) as error:  # which one differs between Pythons
        raise place.error(NESTED, line=line) from error
    except (SyntaxError, ValueError) as error:
        slip = slip or syntax_slip(expr, DEFAULT_FUNCTIONS) or f"{getattr(error, 'msg', error)}."
        raise place.error(f"{expr!r} is not an expression: {slip}", line=line) from error
    if slip:
        raise place.error(f"{expr!r}: {slip}", line=line)
    return tree


def shown_unit(dimensions: Any) -> str:
    """Return a unit for a message, ``1`` for none."""
    unit = get_unit(get_dimensions(dimensions))
    return "1 (none)" if get_dimensions(dimensions).is_dimensionless else str(unit)


def time_names() -> dict[str, Any]:
    """Return the time and the step of the simulation, readable in all equations."""
    return {name: number(name, get_dimensions(second), scalar=True) for name in ("t", "dt")}


def comparing() -> dict[str, Function]:
    """Return the functions that compare the units of a population, as far as units of measurement are concerned."""
    return {
        name: Function(_never, arg_units=[1] * len(args), arg_types=["any"] * len(args), return_unit=1)
        for name, args in RANKING.items()
    }


def _never(*values: Any) -> Any:
    raise NotImplementedError("ranks are formed by sums over pairs of units")


def index(name: str) -> Variable:
    """Return a whole number that Brian2 provides, such as ``i`` or ``N_pre``."""
    return Variable(name, dtype=np.int32, scalar=name not in ("i", "j"))


def tuple_hints(text: ModelText) -> dict[str, str]:
    """Return hints for the parameters that hold several numbers."""
    several = (name for name, value in text.values.items() if isinstance(value, tuple))
    return {name: f"parameter {name!r} holds several numbers, which only a schedule can use." for name in several}


def pattern_hints(text: ModelText) -> dict[str, str]:
    """Return hints for the patterns, which draws and starts read, and no equation."""
    advice = (
        "{0!r} is a Pattern, which nobody is shown: draws, starts and start weights read it. Make it a Stimulus, in "
        "stimuli=, and name it in the stimuli= of the phases that show it."
    )
    names = (item.name for item in text.model.patterns)
    return {f"{name}{end}": advice.format(name) for name in names for end in ("", "_pre", "_post")}


def foreign_hints(text: ModelText, populations: Iterable[str], advice: str) -> dict[str, str]:
    """Return hints for everything that can be read of these populations."""
    found: dict[str, str] = {}
    for population in populations:
        for name in text.readable(population):
            found.setdefault(name, f"{name!r} belongs to population {population!r}. {advice}")
    return found


def scalar_hints(text: ModelText) -> dict[str, str]:
    """Return hints for what would be a number of the whole network, but cannot be read."""
    several = {name: owners for name, owners in text.owners_of_scalars.items() if len(owners) > 1}
    hints = {
        name: f"it is a variable of {listed(owners)}. Rename it in one of them." for name, owners in several.items()
    }
    for item in text.model.observables:
        hints[item.name] = (
            f"the observable {item.name!r} is a number of {item.population!r}, whose units are updated one at a time, "
            "and it changes at every visit. Sum what the visit reads with a projection of the population onto itself."
        )
    return hints


def suffixed(names: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    """Return variables under their names with a suffix."""
    return {f"{name}{suffix}": value for name, value in names.items()}

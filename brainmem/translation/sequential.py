"""Units updated one at a time: what a visit runs, and how summed fields follow a change of state at once.

A sum over the presynaptic side has one term for each unit. When a single unit ``k`` changes its state, only its own
term changes, so that the sum follows exactly by the difference of that term: for ``h_post = w*S_pre`` by
``w*S_change_pre``, column ``k`` of the weights.
"""

from __future__ import annotations

import ast

import sympy
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Population
from brainmem.model.visits import change_of, statement, swept_sums
from brainmem.text.sites import SITE_DRAWS
from brainmem.translation import schedule
from brainmem.translation.text import Visits

__all__ = ["visits_of", "with_site_draws"]


def _follow(population: Population, expr: str) -> str:
    """Return what a change of the presynaptic state adds to a sum of `expr`."""
    after, change = (sympy.Symbol(f"{name}_pre", real=True) for name in (population.state, change_of(population)))
    term = str_to_sympy(expr)
    return sympy_to_str(sympy.expand(term - term.subs(after, after - change)))


def visits_of(model: MemoryModel, population: Population) -> Visits | None:
    """Return the visits of a population's units, None where all units are updated together."""
    if not population.sequential:
        return None
    own = {projection.name: swept_sums(population, projection) for projection in model.projections}
    name, sums = next(((name, sums) for name, sums in own.items() if sums), ("", {}))
    when, order = schedule.SWEEP
    return Visits(
        code=statement(population),
        place=[item.name for item in model.populations if item.sequential].index(population.name),
        state=population.state,
        change=change_of(population),
        when=when,
        order=order,
        projection=name,
        sums=sums,
        follow={sum_: _follow(population, expr) for sum_, expr in sums.items()},
    )


def with_site_draws(code: str, unit: str, *, single: bool = False) -> str:
    """Return the statements of a visit with every random number named by its place.

    Parameters
    ----------
    code : str
    unit : str
        The name under which they read the number of the visited unit within its trial.
    single : bool
        Whether uniform numbers must stay below 1 when they are rounded to single precision.
    """
    change = _SiteDraws(unit, single)
    parts = (line.partition("=") for line in code.splitlines())
    trees = ((left, ast.parse(right.strip(), mode="eval")) for left, _, right in parts)
    return "\n".join(f"{left}= {ast.unparse(change.visit(tree))}" for left, tree in trees)


class _SiteDraws(ast.NodeTransformer):
    """Replaces draws by functions of the key of the sweep, of the unit and of the draw's number."""

    def __init__(self, unit: str, single: bool) -> None:
        self.unit, self.single, self.number = unit, single, 0

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = SITE_DRAWS.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if name is None:
            return node
        given = "".join(f"{ast.unparse(arg)}, " for arg in node.args)
        text = f"{name}({given}site_key, {self.unit}, {self.number})"
        text = f"floor(16777216.0*{text})/16777216.0" if self.single and name == SITE_DRAWS["rand"] else text
        self.number += 1
        return ast.parse(text, mode="eval").body

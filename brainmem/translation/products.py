"""Products of noisy factors, written so that their mean is the product of the means.

A factor read from spikes is noisy. The mean of a product of two factors with the same noise is not the product of
their means; if only one of them is read from spikes, and the others from what the drives let expect, it is. Factors
whose noises are independent may both be read from spikes. What is no product (a function, a divisor, a comparison)
reads the expected values as a whole.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from brainmem.text.equations import identifiers

__all__ = ["Noisy", "expected_text", "mean_text", "noise_in", "noiseless_text"]

Sources = frozenset[str]  # where the noise of a name comes from


class Noisy:
    """Which names are noisy, and what to read in place of each.

    Parameters
    ----------
    sources : mapping of str to frozenset of str
        Where the noise of each noisy name comes from.
    expected : callable
        Gives the name of what is expected in place of a noisy name, ``""`` where there is none and the name stays.
    carried : collection of str, optional
        Noisy names that always stay: others of the same noise then read the expected.
    compared : collection of str, optional
        Noisy names whose mean is not what is expected: that is read in their place everywhere.
    """

    def __init__(
        self,
        sources: Mapping[str, Sources],
        expected: Callable[[str], str],
        carried: frozenset[str] = frozenset(),
        compared: frozenset[str] = frozenset(),
    ) -> None:
        self.sources = {name: found for name, found in sources.items() if found}
        self.expected, self.carried, self.compared = expected, carried, compared

    def of(self, node: ast.AST) -> Sources:
        """Return where the noise in an expression comes from."""
        names = (item.id for item in ast.walk(node) if isinstance(item, ast.Name))
        return frozenset().union(*(self.sources.get(name, frozenset()) for name in names))

    def joined(self, sources: Mapping[str, Sources]) -> Noisy:
        """Return these names and others that have no expected value, and always stay."""
        return Noisy({**self.sources, **sources}, self.expected, frozenset(sources), self.compared)


def noise_in(text: str, sources: Mapping[str, Sources]) -> Sources:
    """Return where the noise of a text comes from."""
    return frozenset().union(*(sources.get(name, frozenset()) for name in identifiers(text)))


def mean_text(text: str, noisy: Noisy, *, inside: bool = False) -> str:
    """Return an expression whose mean is that of the same expression over rates without noise.

    Parameters
    ----------
    text : str
    noisy : Noisy
    inside : bool
        Whether functions stay as they are, and only the products within their arguments are changed.
    """
    tree = ast.parse(text.strip(), mode="eval").body
    changed = _Mean(noisy, inside=inside).mean(tree)
    return text if ast.dump(changed) == ast.dump(tree) else ast.unparse(ast.fix_missing_locations(changed))


def expected_text(text: str, noisy: Noisy) -> str:
    """Return an expression with what is expected in place of every noisy name."""
    tree = ast.parse(text.strip(), mode="eval").body
    return ast.unparse(_expect(tree, noisy, frozenset().union(*noisy.sources.values(), frozenset())))


def noiseless_text(text: str, noisy: Noisy) -> str:
    """Return an expression over what is expected, or the text as it is where nothing in it is noisy."""
    return expected_text(text, noisy) if noise_in(text, noisy.sources) else text


def _expect(node: ast.AST, noisy: Noisy, sources: Sources) -> ast.AST:
    """Replace the noisy names whose noise comes from these sources."""
    return ast.fix_missing_locations(_Expected(noisy, sources).visit(_copy(node)))


def _copy(node: ast.AST) -> ast.AST:
    return ast.parse(ast.unparse(node), mode="eval").body


class _Expected(ast.NodeTransformer):
    def __init__(self, noisy: Noisy, sources: Sources) -> None:
        self.noisy, self.found = noisy, sources

    def visit_Name(self, node: ast.Name) -> ast.AST:
        name = node.id
        if not (self.noisy.sources.get(name, frozenset()) & self.found) or name in self.noisy.carried:
            return node
        return ast.Name(self.noisy.expected(name) or name, ast.Load())


class _Mean:
    """Walks an expression from the outside in."""

    def __init__(self, noisy: Noisy, *, inside: bool) -> None:
        self.noisy, self.inside = noisy, inside

    def mean(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Name) and node.id in self.noisy.compared:
            return _expect(node, self.noisy, self.noisy.of(node))  # type: ignore[return-value]
        if not self.noisy.of(node) or isinstance(node, ast.Name):
            return node
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            return ast.UnaryOp(node.op, self.mean(node.operand))
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        return self._whole(node)

    def _operation(self, node: ast.BinOp) -> ast.expr:
        if isinstance(node.op, ast.Add | ast.Sub):
            return ast.BinOp(self.mean(node.left), node.op, self.mean(node.right))
        if isinstance(node.op, ast.Mult | ast.Div) or (isinstance(node.op, ast.Pow) and _whole_power(node)):
            return self._product(node)
        return self._whole(node)

    def _whole(self, node: ast.expr) -> ast.expr:
        """Let a function of noisy names read what is expected as a whole."""
        if self.inside and isinstance(node, ast.Call):
            return ast.Call(node.func, [self.mean(arg) for arg in node.args], [])
        return _expect(node, self.noisy, self.noisy.of(node))  # type: ignore[return-value]

    def _product(self, node: ast.BinOp) -> ast.expr:
        """Keep what is noisy in the first factor of each noise; the others read what is expected."""
        carried = [item.id for item in ast.walk(node) if isinstance(item, ast.Name) and item.id in self.noisy.carried]
        kept = frozenset().union(*(self.noisy.sources.get(name, frozenset()) for name in carried))
        return self._factor(node, kept)[0]

    def _factor(self, node: ast.expr, kept: Sources) -> tuple[ast.expr, Sources]:
        """Return a factor that shares no noise with `kept`, and `kept` with its own noise."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            left, kept = self._factor(node.left, kept)
            right, kept = self._factor(node.right, kept)
            return ast.BinOp(left, node.op, right), kept
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            left, kept = self._factor(node.left, kept)
            below = node.right if self.inside else _expect(node.right, self.noisy, self.noisy.of(node.right))
            return ast.BinOp(left, node.op, below), kept  # type: ignore[arg-type]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and _whole_power(node):
            return self._power(node, kept)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner, kept = self._factor(node.operand, kept)
            return ast.UnaryOp(node.op, inner), kept
        free = _expect(node, self.noisy, kept) if self.noisy.of(node) & kept else node
        return self.mean(free), kept | self.noisy.of(free)  # type: ignore[arg-type]

    def _power(self, node: ast.BinOp, kept: Sources) -> tuple[ast.expr, Sources]:
        exponent = int(node.right.value)  # type: ignore[attr-defined]
        names = {item.id for item in ast.walk(node.left) if isinstance(item, ast.Name)} & set(self.noisy.sources)
        if names <= self.noisy.carried or exponent < 2:
            return node, kept
        first, now = self._factor(node.left, kept)
        rest: ast.expr = _expect(node.left, self.noisy, self.noisy.of(node.left))  # type: ignore[assignment]
        if exponent > 2:
            rest = ast.BinOp(rest, ast.Pow(), ast.Constant(exponent - 1))
        return ast.BinOp(first, ast.Mult(), rest), now


def _whole_power(node: ast.BinOp) -> bool:
    value = node.right.value if isinstance(node.right, ast.Constant) else None
    return isinstance(value, int | float) and value >= 0 and value == int(value)

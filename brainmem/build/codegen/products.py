"""Sums over synapses of many trials at once, as products of matrices.

Unit ``i`` of trial ``b`` is element ``i*trials + b`` of its group, and every trial has the same synapses. A summed
expression that is a product of what belongs to the synapse, to the presynaptic and to the postsynaptic unit is a
matrix product; any other is summed as it stands.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from brian2 import Synapses
from brian2.core.variables import Subexpression
from brian2.utils.stringtools import get_identifiers

from brainmem.build.codegen.dense import DenseCode, Diagonal
from brainmem.build.codegen.watching import Watch
from brainmem.text.equations import DRAWS

__all__ = ["DenseProduct", "split_product"]

_SIDES = {"_presynaptic_idx": "pre", "_postsynaptic_idx": "post", "_idx": "own"}


class DenseProduct(DenseCode):
    """Form sums over the presynaptic side for many trials that share one matrix.

    Parameters
    ----------
    synapses : Synapses
        From ``dense_synapses(..., trials=trials)``.
    sums : mapping of str to str
        Summed variables and their expressions, ``{"u_post": "w*x_pre"}``; or, all of them, ``{"v_pre": "w*y_post"}``.
    trials : int
    diagonal, clock, slot, name, dt, event, side, once
        See `DenseStep`.
    watch : Watch, optional
        Of sums that follow visits: they are formed where it finds a change.
    """

    def __init__(
        self,
        synapses: Synapses,
        sums: Mapping[str, str],
        *,
        trials: int,
        diagonal: Diagonal,
        clock: Any,
        slot: tuple[str, int],
        name: str,
        dt: Any = None,
        event: str = "",
        side: str = "pre",
        once: bool = False,
        watch: Watch | None = None,
    ) -> None:
        code: dict[str, str] = {}
        factored = {}
        transposed = all(variable.endswith("_pre") for variable in sums)
        over = "post" if transposed else "pre"
        for k, expression in enumerate(sums.values()):
            factors = split_product(synapses, expression, over=over)
            factored[f"sum_{k}"] = tuple(factors)
            code[f"sum_{k}"] = f"_synaptic_var = {expression}"
            code |= {f"{side}_{k}": f"_{side} = {text}" for side, text in factors.items()}
        super().__init__(
            synapses,
            "dense_product",
            diagonal=diagonal.transposed if transposed else diagonal,
            clock=clock,
            dt=dt,
            slot=slot,
            name=name,
            event=event,
            side=side,
            once=once,
            needed=(*sums, *(watch.needed if watch else ())),
            _sums={f"sum_{k}": synapses.variables[variable] for k, variable in enumerate(sums)},
            _factored=factored,
            _trials=trials,
            _transposed=transposed,
            _over=over,
            _onto="pre" if transposed else "post",
            _visited=watch is not None,
            **(watch.keywords if watch else {}),
        )
        self.abstract_code = self.user_code = code


def split_product(synapses: Synapses, expression: str, *, over: str = "pre") -> dict[str, str]:
    """Return the factors of `expression` that belong to the synapse, ``pre`` and ``post``, or nothing.

    ``"w*x_pre*(1 - y_post)"`` gives ``{"own": "(w)", "pre": "(x_pre)", "post": "(1 - y_post)"}``; ``own`` and the side
    `over` which a sum runs are always there.
    """
    factors: dict[str, list[str]] = {"own": [], over: []}
    for text, above in _factors(ast.parse(expression, mode="eval").body, True):
        sides = set(_sides(synapses, text))
        if len(sides) > 1:
            return {}
        factors.setdefault((sides or {over}).pop(), []).append(f"({text})" if above else f"(1/({text}))")
    return {side: "*".join(texts) or "1.0" for side, texts in factors.items()}


def _factors(node: ast.expr, above: bool) -> Iterator[tuple[str, bool]]:
    """Yield the texts that multiply (or, not `above`, divide) the whole."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        yield from _factors(node.left, above)
        yield from _factors(node.right, above == isinstance(node.op, ast.Mult))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "-1", above
        yield from _factors(node.operand, above)
    else:
        yield ast.unparse(node), above


def _sides(synapses: Synapses, text: str) -> Iterator[str]:
    """Yield to which side each name belongs; two for what cannot be told apart."""
    for name in get_identifiers(text):
        variable = synapses.variables.get(name)
        if name in DRAWS:
            yield from ("own", "pre")
        if variable is None or variable.scalar:
            continue
        side = _SIDES.get(synapses.variables.indices[name], "")
        if side == "own" and isinstance(variable, Subexpression):
            yield from _sides(synapses, variable.expr)
        elif side:
            yield side

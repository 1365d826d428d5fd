"""Calls in a text: how many arguments a function takes, and what to write for one that does not exist."""

from __future__ import annotations

import ast

__all__ = ["ARGUMENTS", "call_slip", "function_hint", "grouped"]

# How each function of equations, parameters and draws is called.
ARGUMENTS = {
    **dict.fromkeys(("clip",), ("x", "low", "high")),
    **dict.fromkeys(("minimum", "maximum"), ("x", "y")),
    **dict.fromkeys(("rand", "randn", "signs", "zeros", "eye", "permutation"), ()),
    "normal": ("mean", "sd"),
    "uniform": ("low", "high"),
    "binary": ("p",),
    "filtered_noise": ("tau",),
    "first": ("pattern",),
    "ring": ("x", "n"),
    "shifted": ("pattern", "n"),
    "row": ("pattern", "n"),
    "outer": ("x", "y"),
    "timestep": ("t", "dt"),
    "rank": ("h",),
    "winners": ("h", "K"),
    "quantile": ("x", "q"),
}
# Functions that other languages have, and how to write them: {a} and {b} are the arguments, {x} and {y} the same in
# parentheses where a product needs them.
REPLACED = {
    **dict.fromkeys(("max", "maximum", "fmax"), "clip({a}, {b}, inf)"),
    **dict.fromkeys(("min", "minimum", "fmin"), "clip({a}, -inf, {b})"),
    **dict.fromkeys(("heaviside", "step", "theta", "h", "unit_step"), "int({a} > 0)"),
    **dict.fromkeys(("relu", "rectify", "rectified", "ramp"), "{x}*int({a} > 0)"),
    **dict.fromkeys(("sigmoid", "logistic", "expit", "sig"), "1/(1 + exp(-{x}))"),
    **dict.fromkeys(("pow", "power"), "{x}**{y}"),
    **dict.fromkeys(("square", "sqr"), "{x}**2"),
    **dict.fromkeys(("where", "ifelse"), "int({a})*{y} + (1 - int({a}))*..."),
    "softplus": "log(1 + exp({a}))",
    "ln": "log({a})",
    "fabs": "abs({a})",
    "atan": "arctan({a})",
    "asin": "arcsin({a})",
    "acos": "arccos({a})",
    "round": "floor({a} + 0.5)",
    "log2": "log({a})/log(2)",
}
DRAWN = {
    **dict.fromkeys(("rand", "random"), "uniform(0, 1)"),
    **dict.fromkeys(("randn", "gauss", "gaussian", "standard_normal"), "normal(0, 1)"),
    **dict.fromkeys(("identity", "diag"), "eye()"),
    "ones": "1",
    "bernoulli": "binary(p)",
    "choice": "signs()",
    "max": "maximum(x, y)",
    "min": "minimum(x, y)",
    "heaviside": "int(x > 0)",
    "ln": "log(x)",
}
# Draws that only some texts have.
BELONGS = {
    **dict.fromkeys(("sum_items", "outer"), "the start weights of a projection, initial={'w': ...}"),
    **dict.fromkeys(("shifted", "row"), "the draw of a pattern or stimulus"),
    "filtered_noise": "the draw of a pattern or stimulus with frames",
}
IN_RULES = " The text of a LearningRule may call mean(x), quantile(x, q) and shuffle(x) of its synapses."
REDUCED = ("sum", "mean", "average", "dot", "std", "var", "norm")


def call_slip(node: ast.Call) -> str:
    """Explain a call with the wrong number of arguments."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    wanted = ARGUMENTS.get(name, ("x",))
    if len(node.args) == len(wanted):
        return ""
    number = f"{len(wanted)} argument{'s' * (len(wanted) != 1)}" if wanted else "no argument"
    return f"{name} takes {number}, got {len(node.args)}: write {name}({', '.join(wanted)})."


def function_hint(name: str, node: ast.Call, *, drawing: bool) -> str:
    """Return what to write for a function that does not exist here, as a sentence with a space before it."""
    low = name.lower()
    if drawing and low in BELONGS:
        return f" It belongs in {BELONGS[low]}."
    if drawing:
        return f" Write {DRAWN[low]}." if low in DRAWN else ""
    if low in REDUCED:
        return (
            f" An equation holds for one unit or synapse: sum over synapses with Projection(current=...), over units "
            f"with Observable(..., reduce='{'mean' if low in ('mean', 'average') else 'sum'}')."
            f"{IN_RULES if low == 'mean' else ''}"
        )
    if low in ("quantile", "shuffle"):
        return IN_RULES
    if low in ("max", "min") and len(node.args) == 1:
        return f" Over units it is Observable(..., reduce='{low}')."
    if low in ("normal", "gauss", "uniform", "random", "binary", "signs", *BELONGS):
        return " Draws belong in initial=, start= and Pattern(draw=...); noise in an equation is xi."
    pattern, args = REPLACED.get(low), list(node.args)
    if pattern is None or len(args) < 1 + ("{b}" in pattern or "{y}" in pattern):
        return ""
    if "inf" in pattern and isinstance(args[0], ast.Constant):
        args.reverse()
    first, second = args[0], args[-1] if low not in ("where", "ifelse") else args[1]
    parts = {"a": ast.unparse(first), "b": ast.unparse(second), "x": grouped(first), "y": grouped(second)}
    return f" Write {pattern.format(**parts)}."


def grouped(node: ast.AST) -> str:
    """Return the text of a node, in parentheses unless it is a name, number or call."""
    text = ast.unparse(node)
    return text if isinstance(node, ast.Name | ast.Constant | ast.Call) else f"({text})"

"""What a text that is no expression was meant to say.

Each function returns one sentence that quotes the slip and says what to write, or ``""`` when it finds none.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Collection
from itertools import pairwise

from brainmem.text.calls import ARGUMENTS, grouped
from brainmem.text.powers import power_slip

__all__ = ["equation_slip", "foreign_character", "form_slip", "syntax_slip"]

# Characters that have a plain way of writing.
PLAIN = {
    "×": "*", "·": "*", "∙": "*", "⋅": "*", "∗": "*", "÷": "/", "−": "-", "–": "-", "—": "-", "≥": ">=", "≤": "<=",
    "≠": "!=", "≈": "==", "∞": "inf", "√": "sqrt(...)", "²": "**2", "³": "**3", "½": "0.5", "∧": "and", "∨": "or",
    "¬": "not", "′": "dx/dt = ...", "∂": "d", "Δ": "d", "∑": "Projection(current=...)", "Σ": "Projection(current=...)",
}  # fmt: skip
OPERATORS = {
    "&&": "and", "||": "or", "&": "and", "|": "or", "=>": ">=", "=<": "<=", "<>": "!=", "===": "==", "^": "**",
    ":=": "=", "~": "not",
}  # fmt: skip
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r"|(?P<sign>\*\*|//|===|==|!=|<=|>=|=>|=<|<>|&&|\|\||:=|\+\+|--|.))",
    re.DOTALL,
)
CALLED = {*ARGUMENTS, "exp", "log", "sqrt", "abs", "int", "sign", "sin", "cos", "tanh"}
_WORDS = {"and", "or", "not", "if", "else", "in", "is", "lambda"}
_BINARY = {"+", "-", "*", "/", "//", "%", "**", "@", "<", ">", "<=", ">=", "==", "!=", "and", "or"}


def syntax_slip(text: str, functions: Collection[str] = ()) -> str:
    """Explain a text that Python cannot read as an expression; `functions` are the names that may be called."""
    return (
        foreign_character(text)
        or _bars(text)
        or _foreign_operator(text)
        or _unbalanced(text)
        or _missing_operator(text, functions)
        or _missing_operand(text)
    )


def foreign_character(text: str) -> str:
    """Explain the first character of a text that is not ASCII."""
    text = unicodedata.normalize("NFC", text)
    for place, letter in enumerate(text):
        if not letter.isascii():
            plain = PLAIN.get(letter) or _prefix(text[place:]) or _greek(letter) or _base(letter)
            written = f"write {plain!r}" if plain else "use letters of the English alphabet"
            return f"the character {letter!r} has no meaning here: {written}."
    return ""


def _prefix(text: str) -> str:
    """Return the unit prefix u for a micro sign before a unit."""
    return "u" if re.match(r"[µμ](s|m|V|A|F|S)\b", text) else ""


def _greek(letter: str) -> str:
    words = unicodedata.name(letter, "").split()
    if words[:1] != ["GREEK"] and words != ["MICRO", "SIGN"]:
        return ""
    return "mu" if letter == "µ" else words[words.index("LETTER") + 1 if "LETTER" in words else 1].lower()


def _base(letter: str) -> str:
    """Return the letter below a dot, hat or bar, or the digit of an index."""
    first, *marks = unicodedata.normalize("NFKD", letter)
    if not first.isascii():
        return ""
    return f"d{first}/dt = ..." if marks == ["\u0307"] else first


def _tokens(text: str) -> list[tuple[str, str]]:
    """Return (kind, text) of every token; kind is ``number``, ``name`` or ``sign``."""
    return [(match.lastgroup or "", match[match.lastgroup or 0]) for match in _TOKEN.finditer(text.strip())]


def _bars(text: str) -> str:
    found = re.search(r"\|([^|]+)\|", text)
    return f"{found[0]!r}: write abs({found[1].strip()})." if found else ""


def _foreign_operator(text: str) -> str:
    tokens = [token for _, token in _tokens(text)]
    for token in tokens:
        if token in OPERATORS:
            return f"{token!r} is no operator here: write {OPERATORS[token]!r}."
        if token == "=":
            return "'=' stands inside an expression: to compare, write '=='."
        if token == "!":
            return "'!' is no operator here: write 'not' or, for a factorial, the product."
        if token in ("'", '"'):
            return (
                "a quotation mark has no meaning in an expression: take it out (a derivative is written dx/dt = ...)."
            )
        if token in ("\\", ";", "?", "$", "`"):
            return f"{token!r} has no meaning in an expression: take it out."
    return ""


def _unbalanced(text: str) -> str:
    """Explain brackets that do not match."""
    opened = {")": "(", "]": "[", "}": "{"}
    stack: list[str] = []
    for token in (token for _, token in _tokens(text)):
        if token in opened.values():
            stack.append(token)
        elif token in opened and (not stack or stack.pop() != opened[token]):
            return f"a {token!r} closes nothing: take it out, or add the {opened[token]!r} that it closes."
    if not stack:
        return ""
    closing = next(close for close, open_ in opened.items() if open_ == stack[-1])
    return f"a {stack[-1]!r} is never closed: add {closing!r}."


def _missing_operator(text: str, functions: Collection[str]) -> str:
    """Explain two values beside each other, such as ``2x``, ``a b`` or ``exp x``."""
    tokens = _tokens(text)
    for (kind, left), (other, right) in pairwise(tokens):
        if left in _WORDS or right in _WORDS:
            continue
        ends = kind in ("number", "name") or left == ")"
        starts = other in ("number", "name") or (right == "(" and kind != "name")
        if ends and starts:
            if left in functions and kind == "name":
                wanted = ARGUMENTS.get(left, (right,))
                return f"'{left} {right}' lacks parentheses: write {left}({', '.join(wanted)})."
            between = "" if kind == "number" and other == "name" and f"{left}{right}" in text else " "
            first = "(...)" if left == ")" else left
            return f"{left + between + right!r} lacks an operator: a product is written {first}*{right}."
    return ""


def _missing_operand(text: str) -> str:
    tokens = _tokens(text)
    if not tokens:
        return "it is empty."
    if tokens[-1][1] in _BINARY | {"not"}:
        return f"nothing follows {tokens[-1][1]!r}."
    if tokens[0][1] in _BINARY - {"+", "-"}:
        return f"nothing stands before {tokens[0][1]!r}."
    for (_, left), (_, right) in pairwise(tokens):
        if (left in _BINARY | {"(", ","} and right in _BINARY - {"+", "-"} | {")", ","}) and (left, right) != (
            "(",
            ")",
        ):
            return f"nothing stands between {left!r} and {right!r}."
    return ""


def form_slip(tree: ast.AST, text: str) -> str:
    """Explain the first part of an expression that reads as Python but is not allowed in one.

    `text` is the whole expression, whose tree or a part of it is looked at.
    """
    if any(isinstance(node, ast.BitXor) for node in ast.walk(tree)) and not _exponential(tree):
        return f"'^' is not a power: write {text.strip().replace('^', '**')}."
    for node in ast.walk(tree):
        explain = getattr(_Forms, type(node).__name__.lower(), None)
        if explain and (said := explain(node)):
            return f"{ast.unparse(node)!r}: {said}"
    return ""


_ALLOWED = (
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.expr_context),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.UAdd, ast.USub, ast.boolop, ast.Not),
    *(ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)
_REFUSED = {
    "Tuple": "a comma does not belong here; a decimal number is written 1.5.",
    "List": "only round brackets group a part of an equation.",
    "Set": "only round brackets group a part of an equation.",
    "Dict": "only round brackets group a part of an equation.",
    "MatMult": "'@' multiplies matrices, in start values only. A sum over units is a Projection(current=...).",
    "Attribute": "there are no attributes and methods: write the name alone.",
}


def _exponential(tree: ast.AST) -> bool:
    """Tell whether a tree holds e^x or exp^x."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor))
    return any(isinstance(node.left, ast.Name) and node.left.id in ("e", "exp") for node in found)


def equation_slip(tree: ast.AST, text: str) -> str:
    """Explain the first part of an expression that an equation may not hold; see `form_slip`."""
    if slip := form_slip(tree, text) or power_slip(tree):
        return slip
    for node in ast.walk(tree):
        for part in (node, getattr(node, "op", None)):
            if isinstance(part, ast.AST) and not isinstance(part, _ALLOWED):
                kind = type(part).__name__
                said = _REFUSED.get(
                    kind, f"{kind} is not allowed; allowed are + - * / // % **, comparisons and functions."
                )
                return f"{ast.unparse(node)!r}: {said}"
    return ""


class _Forms:
    """What to write in place of a form that is not allowed; ``""`` where the form is."""

    @staticmethod
    def binop(node: ast.BinOp) -> str:
        if isinstance(node.op, ast.BitXor):
            return f"an exponential is written exp({ast.unparse(node.right)})."
        if isinstance(node.op, ast.BitAnd | ast.BitOr):
            return f"write {'and' if isinstance(node.op, ast.BitAnd) else 'or'} between conditions."
        return ""

    @staticmethod
    def unaryop(node: ast.UnaryOp) -> str:
        return f"write not {grouped(node.operand)}." if isinstance(node.op, ast.Invert) else ""

    @staticmethod
    def ifexp(node: ast.IfExp) -> str:
        test, body, other = ast.unparse(node.test), grouped(node.body), grouped(node.orelse)
        second = "" if other == "0" else f" + int(not ({test}))*{other}"
        return f"there is no 'if' in an expression: write int({test})*{body}{second}."

    @staticmethod
    def subscript(node: ast.Subscript) -> str:
        if isinstance(node.value, ast.Name) and node.value.id in {
            *ARGUMENTS,
            "exp",
            "tanh",
            "log",
            "sqrt",
            "abs",
            "int",
        }:
            inner = ast.unparse(node.slice).strip("()")
            return f"a function is called with round brackets: {node.value.id}({inner})."
        return f"there are no indices: an equation holds for every unit or synapse; write {ast.unparse(node.value)}."

    @staticmethod
    def call(node: ast.Call) -> str:
        if isinstance(node.func, ast.Constant | ast.BinOp | ast.UnaryOp):
            inner = ast.unparse(node.args[0]) if node.args else "..."
            return f"this calls {ast.unparse(node.func)!r}: a product is written {grouped(node.func)}*({inner})."
        if isinstance(node.func, ast.Attribute):
            return f"there are no modules and methods: write the function's name alone, {_bare(node.func, node)}."
        if node.keywords:
            return "arguments have no names here: write their values alone, in order."
        return ""

    @staticmethod
    def constant(node: ast.Constant) -> str:
        if isinstance(node.value, str):
            return "text in quotes is not allowed: take the quotes out."
        return "" if isinstance(node.value, int | float) else "this is no real number."

    @staticmethod
    def compare(node: ast.Compare) -> str:
        if len(node.ops) < 2 or any(isinstance(item, ast.BitAnd | ast.BitOr) for item in ast.walk(node)):
            return ""
        sides = [node.left, *node.comparators]
        parts = (
            ast.unparse(ast.Compare(left, [op], [right]))
            for left, op, right in zip(sides, node.ops, sides[1:], strict=False)
        )
        return f"one comparison at a time: write {' and '.join(parts)}."


def _bare(function: ast.Attribute, node: ast.Call) -> str:
    return f"{function.attr}({', '.join(map(ast.unparse, node.args or [function.value]))})"

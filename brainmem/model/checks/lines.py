"""What an equation line that Brian2 cannot read was meant to say."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_UNITS
from brian2.equations.equations import dimensions_and_type_from_string
from brian2.units import have_same_dimensions

from brainmem.model.checks.truth import number_slip
from brainmem.text.calls import call_slip
from brainmem.text.powers import power_slip
from brainmem.text.slips import equation_slip, foreign_character, syntax_slip

__all__ = ["NESTED", "line_power", "line_slip", "unit_slip"]

NESTED = "nested too deeply. Name parts of it in equations of their own."
UNIT = "the unit is missing. Every equation ends with it: ': 1', ': Hz', ': volt (flags)'."
UNITS = {
    **dict.fromkeys(("dimensionless", "unitless", "none", "float", "real", "double", "number", "scalar"), "1"),
    **dict.fromkeys(("s", "sec", "seconds"), "second"),
    **dict.fromkeys(("v", "volts"), "volt"),
    **dict.fromkeys(("a", "ampere", "amps"), "amp"),
    **dict.fromkeys(("bool", "condition"), "boolean"),
    **dict.fromkeys(("int",), "integer"),
    **dict.fromkeys(("m", "meters", "metres"), "metre"),
}
BASES = ("second", "hertz", "volt", "amp", "siemens", "farad", "ohm", "metre", "kilogram", "kelvin", "coulomb", "mole")
LISTED = "1 (none), " + ", ".join(BASES)
_LEFT = re.compile(r"^(?P<before>.*?)d\s*(?P<name>\w+)\s*/\s*d(?P<over>\w+)(?P<after>[^=]*)$")


def line_slip(line: str) -> str:
    """Return what is wrong with an equation line and what to write, ``""`` if nothing is found.

    The line is without comment, such as ``"dx/dt = -x/tau : 1"``.
    """
    body, colon, unit = (part.replace("\0", ":=") for part in line.replace(":=", "\0").partition(":"))
    left, equals, right = body.partition("=")
    said = foreign_character(line) or _assignment(body) or (equals and _left(left.strip(), right.strip()))
    if said:
        return said
    if not equals and re.match(r"^d\w+\s*/\s*dt", body):
        return "'=' is missing behind 'dt'."
    if not colon or not unit.strip():
        return UNIT
    return (equals and _right(right)) or _unit(unit)


def _unit(unit: str) -> str:
    if ":" in unit:
        return "two ':' in one line: an equation has one, before its unit."
    if re.search(r"[*/]\s*\(", unit):
        return f"{unit.strip()!r}: Brian2 reads no brackets in a unit: write each factor by itself, as 1/second/volt."
    if found := re.search(r"[,;.]\s*$", unit):
        return f"{found[0].strip()!r} follows the unit, after which only '(flags)' may stand: take it out."
    return ""


def _assignment(body: str) -> str:
    found = re.search(r"(\+|-|\*\*?|/|:|=)=", body)
    if found is None or re.search(r"[^=:+*/-]=[^=]", body[: found.start()]):
        return ""
    if found[0] in (":=", "=="):
        return f"{found[0]!r}: an equation has a single '='."
    name = re.sub(r"^d|/\s*dt$", "", body[: found.start()].strip())
    return (
        f"{found[0]!r} changes a variable at one moment; an equation is 'd{name}/dt = ... : unit'. "
        "Statements belong in LearningRule(periodic=...) or LearningRule(episodic=...)."
    )


def _left(left: str, right: str) -> str:
    """Explain the left side of an equation."""
    found = _LEFT.match(left)
    if prime := re.match(r"^(\w+)\s*'+$", left):
        return f"{left!r}: a derivative is written d{prime[1]}/dt = ... : unit."
    if found and found["over"] != "t":
        return f"{left!r}: derivatives are with respect to time: write d{found['name']}/dt."
    if found and (found["before"].strip() or found["after"].strip()):
        factor = (found["before"] or found["after"]).strip().strip("*").strip() or "tau"
        return f"{left!r}: the derivative stands alone on the left: write d{found['name']}/dt = ({right})/{factor}."
    if not found and not left.isidentifier():
        return f"{left!r}: the left side is one variable 'x' or one derivative 'dx/dt'."
    return ""


def _right(right: str) -> str:
    right = right.strip()
    if not right:
        return "nothing stands to the right of '='."
    try:
        tree = ast.parse(right, mode="eval").body
    except (MemoryError, RecursionError):
        return NESTED
    except (SyntaxError, ValueError) as error:
        slip = syntax_slip(right, DEFAULT_FUNCTIONS) or f"{getattr(error, 'msg', error)}."
        return f"{right!r} is not an expression: {slip}"
    return equation_slip(tree, right) or number_slip(tree, {}) or next(filter(None, map(_call, ast.walk(tree))), "")


def _call(node: ast.AST) -> str:
    known = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in DEFAULT_FUNCTIONS
    slip = call_slip(node) if isinstance(node, ast.Call) and known else ""
    return f"{ast.unparse(node)!r}: {slip}" if slip else ""


def unit_slip(line: str) -> str:
    """Return which word of a line's unit is none, and what to write; ``""`` if every word is a base unit."""
    unit = line.rpartition(":")[2].partition("(")[0]
    for name in re.findall(r"[^\W\d]\w*", unit):
        if not _is_base(name):
            known = UNITS.get(name.lower()) or _base_of(name)
            return f"{name!r} is not a base unit.{f' Write {known!r}.' if known else f' Base units: {LISTED}.'}"
    return ""


def line_power(line: str) -> str:
    """Explain a power in a line, or in a unit alone, that is too large for Brian2, which computes it as it reads."""
    body, _, unit = line.rpartition(":")
    texts = (body.partition("=")[2], re.sub(r"\([a-z ,-]*\)\s*$", "", unit))
    return next(filter(None, map(_power, texts)), "")


@lru_cache(maxsize=4096)
def _power(text: str) -> str:
    try:
        return power_slip(ast.parse(text.strip(), mode="eval"))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return ""


def _is_base(name: str) -> bool:
    try:
        dimensions_and_type_from_string(name)
    except Exception:  # of several kinds, which differ between versions of Brian2
        return False
    return True


def _base_of(name: str) -> str:
    """Return the base unit of a scaled one, such as second for ms."""
    scaled = DEFAULT_UNITS.get(name)
    if scaled is None:
        return ""
    return next((base for base in BASES if have_same_dimensions(DEFAULT_UNITS[base], scaled)), "")

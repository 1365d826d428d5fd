"""Delay lines as functions of equations, for every target; see `brainmem.text.delays`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brian2 import Function

from brainmem.text.delays import DelayLines

__all__ = ["delay_functions"]

_HEADER = '"delays.h"'

_CYTHON_LINES = "from brainmem.build.codegen.delays import CYTHON_LINES as _delay_lines"
_CYTHON_STORE = f"""
{_CYTHON_LINES}
cdef double delay_store(double value, double line, double unit, double units, double steps, double step):
    return _delay_lines.store(value, line, <long>unit, units, steps, step)
"""
_CYTHON_BEGIN = f"""
{_CYTHON_LINES}
cdef double delay_begin(double value, double line, double unit, double units, double steps, double step,
                        double put_back, double set_aside, double fresh):
    return _delay_lines.begin_one(value, line, <long>unit, units, steps, step, put_back, set_aside, fresh)
"""


class _OneByOne(DelayLines):
    """Delay lines of code that asks for unit after unit; a run begins them anew."""

    def begin_one(self, value: float, line: float, unit: int, units: float, steps: float, step: float, *flags: float):
        """Return what `DelayLines.begin` does for one unit."""
        if step == 0 and unit > 0:  # the first unit has made the line
            kept = self.kept[int(line)]
            kept[:, unit] = value
            return value
        return self.begin(value, int(line), unit, int(units), steps, int(step), *flags)[0]


CYTHON_LINES = _OneByOne()  # Cython's compiled modules outlive a run, and one network runs at a time in a process


def delay_functions() -> dict[str, Function]:
    """Return the functions by which equations store variables and read what they were, for one network."""
    lines = DelayLines()
    return {
        "delay_store": _function(lines.store, 5, _CYTHON_STORE),
        "delay_begin": _function(lines.begin, 8, _CYTHON_BEGIN),
    }


def _function(python: Callable[..., Any], others: int, cython: str) -> Function:
    """Return a function of a value and of so many numbers, which returns what has the unit of the value."""
    function = Function(python, arg_units=[None, *[1] * others], return_unit=lambda value, *_: value, stateless=False)
    function.implementations.add_implementation("numpy", python)  # as it is: Brian2's own checks units at every call
    function.implementations.add_implementation("cpp", "", compiler_kwds={"headers": [_HEADER]})
    function.implementations.add_implementation("cython", cython)
    return function

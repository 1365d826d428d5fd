"""The counter generator as functions of equations, for every target; see `brainmem.text.counter`."""

from __future__ import annotations

from brian2 import Function

from brainmem.text import counter

__all__ = ["COUNTER_FUNCTIONS"]

# Both functions in one piece, which stands in a file once: Brian2 orders the code of functions by their names.
_CPP = """
#ifndef BRAINMEM_COUNTER
#define BRAINMEM_COUNTER
#include <cmath>
#include <cstdint>
static inline double counter_uniform(double seed, double row, double unit, double trial, double number)
{
    const double parts[5] = {seed, row, unit, trial, number};
    uint64_t state = 0;
    for (int k = 0; k < 5; k++)
    {
        state ^= (uint64_t)parts[k];
        state += 0x9E3779B97F4A7C15ull;
        state = (state ^ (state >> 30))*0xBF58476D1CE4E5B9ull;
        state = (state ^ (state >> 27))*0x94D049BB133111EBull;
        state ^= state >> 31;
    }
    return (double)(state >> 11)/9007199254740992.0;
}
static inline double counter_normal(double seed, double row, double unit, double trial, double number)
{
    const double first = counter_uniform(seed, row, unit, trial, 2*number + 1048576);
    const double second = counter_uniform(seed, row, unit, trial, 2*number + 1048577);
    return std::sqrt(-2*std::log(1 - first))*std::cos(2*3.141592653589793*second);
}
#endif
"""

_CYTHON = """
cdef double counter_uniform(double seed, double row, double unit, double trial, double number):
    cdef double[5] parts
    cdef unsigned long long state = 0
    cdef int k
    parts[0] = seed; parts[1] = row; parts[2] = unit; parts[3] = trial; parts[4] = number
    for k in range(5):
        state ^= <unsigned long long>parts[k]
        state += 0x9E3779B97F4A7C15ULL
        state = (state ^ (state >> 30))*0xBF58476D1CE4E5B9ULL
        state = (state ^ (state >> 27))*0x94D049BB133111EBULL
        state ^= state >> 31
    return <double>(state >> 11)*2.0**-53
"""

_CYTHON_NORMAL = """
from libc.math cimport sqrt, log, cos

cdef double counter_normal(double seed, double row, double unit, double trial, double number):
    cdef double first = counter_uniform(seed, row, unit, trial, 2*number + 1048576)
    cdef double second = counter_uniform(seed, row, unit, trial, 2*number + 1048577)
    return sqrt(-2*log(1 - first))*cos(2*3.141592653589793*second)
"""


def _function(python, cython: str, **needed: Function) -> Function:
    function = Function(python, arg_units=[1] * 5, return_unit=1)
    function.implementations.add_implementation("numpy", python)  # as it is: Brian2's own checks units at every call
    function.implementations.add_implementation("cpp", _CPP)
    function.implementations.add_implementation("cython", cython, dependencies=needed)
    return function


_uniform = _function(counter.counter_uniform, _CYTHON)
COUNTER_FUNCTIONS = {
    "counter_uniform": _uniform,
    "counter_normal": _function(counter.counter_normal, _CYTHON_NORMAL, counter_uniform=_uniform),
}

"""Orders of visits and the random numbers drawn in them, for every target; see `brainmem.text.sites`."""

from __future__ import annotations

from brian2 import Function

from brainmem.text import sites

__all__ = ["SITE_FUNCTIONS"]

# All in one piece, which stands in a file once: Brian2 orders the code of functions by their names.
_CPP = """
#ifndef BRAINMEM_SITES
#define BRAINMEM_SITES
#include <cmath>
#include <cstdint>
#include <utility>
static const uint64_t _site_step = 0x9E3779B97F4A7C15ull;
static inline uint64_t _sites_mixed(uint64_t state)
{
    state = (state ^ (state >> 30))*0xBF58476D1CE4E5B9ull;
    state = (state ^ (state >> 27))*0x94D049BB133111EBull;
    return state ^ (state >> 31);
}
static inline double _site_key(double seed, int64_t sweep, int64_t population, int64_t trial)
{
    const uint64_t parts[4] = {(uint64_t)seed, (uint64_t)sweep, (uint64_t)population, (uint64_t)trial};
    uint64_t state = 0;
    for (int k = 0; k < 4; k++) state = _sites_mixed((state ^ parts[k]) + _site_step);
    return (double)(state >> 11);
}
static inline void _site_order(double key, long size, int* order)
{
    for (long k = 0; k < size; k++) order[k] = k;
    uint64_t state = (uint64_t)key + (1ull << 62)*_site_step;
    for (long k = size - 1; k > 0; k -= 2)
    {
        const uint64_t bits = _sites_mixed(state += _site_step);
        std::swap(order[k], order[((bits >> 32)*(uint64_t)(k + 1)) >> 32]);
        std::swap(order[k - 1], order[((bits & 0xffffffffull)*(uint64_t)k) >> 32]);
    }
}
static inline double site_uniform(double key, double unit, double number)
{
    const uint64_t place = (uint64_t)(int64_t)unit*4096 + (uint64_t)(int64_t)number + 1;
    return (double)(int64_t)(_sites_mixed((uint64_t)(int64_t)key + place*_site_step) >> 11)/9007199254740992.0;
}
static inline double site_normal(double key, double unit, double number)
{
    const double first = site_uniform(key, unit, 2*number + 1024), second = site_uniform(key, unit, 2*number + 1025);
    return std::sqrt(-2*std::log(1 - first))*std::cos(2*3.141592653589793*second);
}
static inline double site_poisson(double rate, double key, double unit, double number)
{
    double found = 0;
    for (int part = 0; rate > 0; part++, rate -= 16)
    {
        const double mean = rate < 16 ? rate : 16;
        const double drawn = site_uniform(key, unit + 4294967296.0*(1 + part), number);
        double chance = std::exp(-mean), below = chance;
        int times = 0;
        for (; drawn >= below && times < 200; below += chance) chance = chance*mean/++times;
        found += times;
    }
    return found;
}
#endif
"""

_CYTHON = """
cdef unsigned long long _sites_mixed(unsigned long long state):
    state = (state ^ (state >> 30))*0xBF58476D1CE4E5B9ULL
    state = (state ^ (state >> 27))*0x94D049BB133111EBULL
    return state ^ (state >> 31)

cdef double _site_key(double seed, long long sweep, long long population, long long trial):
    cdef unsigned long long state = 0
    state = _sites_mixed((state ^ <unsigned long long>seed) + 0x9E3779B97F4A7C15ULL)
    state = _sites_mixed((state ^ <unsigned long long>sweep) + 0x9E3779B97F4A7C15ULL)
    state = _sites_mixed((state ^ <unsigned long long>population) + 0x9E3779B97F4A7C15ULL)
    state = _sites_mixed((state ^ <unsigned long long>trial) + 0x9E3779B97F4A7C15ULL)
    return <double>(state >> 11)

cdef void _site_order(double key, long size, long long* order):
    cdef long k, other
    cdef unsigned long long bits, state = <unsigned long long>key + (1ULL << 62)*0x9E3779B97F4A7C15ULL
    for k in range(size):
        order[k] = k
    k = size - 1
    while k > 0:
        state += 0x9E3779B97F4A7C15ULL
        bits = _sites_mixed(state)
        other = <long>(((bits >> 32)*<unsigned long long>(k + 1)) >> 32)
        order[k], order[other] = order[other], order[k]
        other = <long>(((bits & 0xffffffffULL)*<unsigned long long>k) >> 32)
        order[k - 1], order[other] = order[other], order[k - 1]
        k -= 2

cdef double site_uniform(double key, double unit, double number):
    cdef unsigned long long place = <unsigned long long>unit*4096 + <unsigned long long>number + 1
    place = <unsigned long long>key + place*0x9E3779B97F4A7C15ULL
    return <double>(_sites_mixed(place) >> 11)*2.0**-53
"""

_CYTHON_NORMAL = """
from libc.math cimport sqrt, log, cos

cdef double site_normal(double key, double unit, double number):
    cdef double first = site_uniform(key, unit, 2*number + 1024), second = site_uniform(key, unit, 2*number + 1025)
    return sqrt(-2*log(1 - first))*cos(2*3.141592653589793*second)
"""

_CYTHON_POISSON = """
from libc.math cimport exp

cdef double site_poisson(double rate, double key, double unit, double number):
    cdef double found = 0, mean, drawn, chance, below
    cdef int part = 0, times
    while rate > 0:
        mean = rate if rate < 16 else 16
        drawn = site_uniform(key, unit + 4294967296.0*(1 + part), number)
        chance = exp(-mean)
        below = chance
        times = 0
        while drawn >= below and times < 200:
            times += 1
            chance = chance*mean/times
            below += chance
        found += times
        rate -= 16
        part += 1
    return found
"""


def _function(python, arguments: int, cython: str, **needed: Function) -> Function:
    function = Function(python, arg_units=[1] * arguments, return_unit=1)
    function.implementations.add_numpy_implementation(python, discard_units=True)
    function.implementations.add_implementation("cpp", _CPP)
    function.implementations.add_implementation("cython", cython, dependencies=needed)
    return function


_uniform = _function(sites.site_uniform, 3, _CYTHON)
SITE_FUNCTIONS = {
    "site_uniform": _uniform,
    "site_normal": _function(sites.site_normal, 3, _CYTHON_NORMAL, site_uniform=_uniform),
    "site_poisson": _function(sites.site_poisson, 4, _CYTHON_POISSON, site_uniform=_uniform),
}

"""A Brian2 function that ends a run from inside the equations: ``done = halt_when(condition)``."""

from __future__ import annotations

import numpy as np
from brian2 import Function, Network

__all__ = ["halt_when"]

# The generated main loop and Brian2's runtime loop both run ``while ... and not _globally_stopped``
# and finish the current step first, so a halted run ends after the same step on every target.
_CPP = """
static inline double halt_when(const double done)
{
    if (done != 0) Network::_globally_stopped = true;
    return done;
}
"""

_CYTHON = """
cdef double halt_when(double done):
    if done != 0:
        from brian2.core.network import Network
        Network._globally_stopped = True
    return done
"""


def _halt(done):
    if np.any(done):
        Network._globally_stopped = True
    return done


halt_when = Function(_halt, arg_units=[1], return_unit=1, stateless=False)
halt_when.implementations.add_implementation("numpy", _halt)  # as it is: Brian2's own checks units at every call
halt_when.implementations.add_implementation("cpp", _CPP)
halt_when.implementations.add_implementation("cython", _CYTHON)

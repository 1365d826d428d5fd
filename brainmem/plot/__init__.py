"""Figures of results and comparisons. Each function returns a matplotlib `Figure`; none opens a window."""

from brainmem.plot.agreement import comparison, recall_curve
from brainmem.plot.claims import claims
from brainmem.plot.dynamics import overlaps, raster, rates
from brainmem.plot.images import digits
from brainmem.plot.learning import fi_curve, weights
from brainmem.plot.regions import region_currents
from brainmem.plot.sequences import pvar_curve, pvar_of_tests, sequences, weight_bands
from brainmem.plot.units import unit_fits

__all__ = [
    "claims",
    "comparison",
    "digits",
    "fi_curve",
    "overlaps",
    "pvar_curve",
    "pvar_of_tests",
    "raster",
    "rates",
    "recall_curve",
    "region_currents",
    "sequences",
    "unit_fits",
    "weight_bands",
    "weights",
]

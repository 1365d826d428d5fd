"""Figures of results and comparisons. Each function returns a matplotlib `Figure`; none opens a window."""

from brainmem.plot.agreement import comparison, recall_curve
from brainmem.plot.claims import claims
from brainmem.plot.dynamics import overlaps, raster, rates
from brainmem.plot.images import digits
from brainmem.plot.learning import fi_curve, weights

__all__ = [
    "claims",
    "comparison",
    "digits",
    "fi_curve",
    "overlaps",
    "raster",
    "rates",
    "recall_curve",
    "weights",
]

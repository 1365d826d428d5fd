"""Measures of memory networks, each with its source equation.

Those that take arrays return arrays. Those that take a `Result` return xarray with named dimensions, which
`Sweep.dataset` keeps.
"""

from brainmem.measure.agreement import fano_factor, nrmse, pearson, pvar
from brainmem.measure.bands import Bands, band_structure
from brainmem.measure.connectivity import (
    decorrelation,
    decorrelation_index,
    designed_hebb,
    designed_pseudo_inverse,
    hebb,
    pattern_coordinates,
    row_norms,
    stability,
)
from brainmem.measure.criterion import Criterion
from brainmem.measure.dynamics import drift, nearest_cosine, ring_distance, settled, time_summary
from brainmem.measure.recall import (
    capacity,
    capacity_bound,
    overlap,
    recall_ceiling,
    recall_table,
    recalled_fraction,
)
from brainmem.measure.sequences import (
    bvar,
    centre_of_mass,
    dimension,
    lowpass,
    magnitude_of_change,
    pvar_of_tests,
    resilience,
    selectivity,
)
from brainmem.measure.spread import bootstrap, standard_error

__all__ = [
    "Bands",
    "Criterion",
    "band_structure",
    "bootstrap",
    "bvar",
    "capacity",
    "capacity_bound",
    "centre_of_mass",
    "decorrelation",
    "decorrelation_index",
    "designed_hebb",
    "designed_pseudo_inverse",
    "dimension",
    "drift",
    "fano_factor",
    "hebb",
    "lowpass",
    "magnitude_of_change",
    "nearest_cosine",
    "nrmse",
    "overlap",
    "pattern_coordinates",
    "pearson",
    "pvar",
    "pvar_of_tests",
    "recall_ceiling",
    "recall_table",
    "recalled_fraction",
    "resilience",
    "ring_distance",
    "row_norms",
    "selectivity",
    "settled",
    "stability",
    "standard_error",
    "time_summary",
]

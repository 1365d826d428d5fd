"""Measures of memory networks: arrays in, arrays out, each with its source equation."""

from brainmem.measure.agreement import fano_factor, nrmse, pearson, pvar
from brainmem.measure.connectivity import (
    decorrelation_index,
    designed_hebb,
    designed_pseudo_inverse,
    hebb,
    pattern_coordinates,
    row_norms,
    stability,
)
from brainmem.measure.dynamics import drift, nearest_cosine, ring_distance, time_summary
from brainmem.measure.recall import (
    capacity,
    capacity_bound,
    overlap,
    recall_ceiling,
    recall_table,
    recalled_fraction,
)
from brainmem.measure.sequences import pvar_of_tests
from brainmem.measure.spread import bootstrap, standard_error

__all__ = [
    "bootstrap",
    "capacity",
    "capacity_bound",
    "decorrelation_index",
    "designed_hebb",
    "designed_pseudo_inverse",
    "drift",
    "fano_factor",
    "hebb",
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
    "ring_distance",
    "row_norms",
    "stability",
    "standard_error",
    "time_summary",
]

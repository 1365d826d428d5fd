"""Measures of memory networks, each with its source equation.

Those that take arrays return arrays. Those that take a `Result` return xarray with named dimensions, which
`Sweep.dataset` keeps.
"""

from brainmem.measure.agreement import fano_factor, nrmse, pearson, pvar, unit_pvar
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
from brainmem.measure.equilibrium import (
    Boltzmann,
    boltzmann,
    energies,
    energy_wasserstein,
    kl_divergence,
    moment_correlation,
    pair_moments,
    specific_heat,
)
from brainmem.measure.maps import (
    Decoded,
    Diffusion,
    EndPoints,
    bump_scores,
    decode,
    diffusion,
    displacement,
    end_points,
)
from brainmem.measure.recall import (
    capacity,
    capacity_bound,
    recall_ceiling,
    recall_table,
    recalled_fraction,
)
from brainmem.measure.regions import region_currents, region_shares, region_weights
from brainmem.measure.retention import retention
from brainmem.measure.retrieval import Relaxed, basin_radius, damaged, relax, retrieval_map, retrieval_table
from brainmem.measure.scores import dice, overlap
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
from brainmem.measure.spectra import cosine, spectrum
from brainmem.measure.spread import bootstrap, standard_error
from brainmem.measure.stabilities import (
    one_step_overlap,
    one_step_overlap_expected,
    stability_summary,
    stability_table,
)

__all__ = [
    "Bands",
    "Boltzmann",
    "Criterion",
    "Decoded",
    "Diffusion",
    "EndPoints",
    "Relaxed",
    "band_structure",
    "basin_radius",
    "boltzmann",
    "bootstrap",
    "bump_scores",
    "bvar",
    "capacity",
    "capacity_bound",
    "centre_of_mass",
    "cosine",
    "damaged",
    "decode",
    "decorrelation",
    "decorrelation_index",
    "designed_hebb",
    "designed_pseudo_inverse",
    "dice",
    "diffusion",
    "dimension",
    "displacement",
    "drift",
    "end_points",
    "energies",
    "energy_wasserstein",
    "fano_factor",
    "hebb",
    "kl_divergence",
    "lowpass",
    "magnitude_of_change",
    "moment_correlation",
    "nearest_cosine",
    "nrmse",
    "one_step_overlap",
    "one_step_overlap_expected",
    "overlap",
    "pair_moments",
    "pattern_coordinates",
    "pearson",
    "pvar",
    "pvar_of_tests",
    "recall_ceiling",
    "recall_table",
    "recalled_fraction",
    "region_currents",
    "region_shares",
    "region_weights",
    "relax",
    "resilience",
    "retention",
    "retrieval_map",
    "retrieval_table",
    "ring_distance",
    "row_norms",
    "selectivity",
    "settled",
    "specific_heat",
    "spectrum",
    "stability",
    "stability_summary",
    "stability_table",
    "standard_error",
    "time_summary",
    "unit_pvar",
]

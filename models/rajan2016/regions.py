"""Networks fitted to activity of several regions (Perich et al. 2020), on the units of Rajan, Harvey & Tank (2016).

M. G. Perich et al., "Inferring brain-wide interactions using data-constrained recurrent neural network models",
bioRxiv 2020.12.18.423348 (2020).

All synapses learn, from the error of the rate and not of the current; units are slow, and their frozen input is weak,
so that what moves a unit is what it receives from others. The currents between regions are read from the weights
(`measure.region_currents`). `brainmem.fit` takes this model for activity of both signs, with units of rates between
-1 and 1 (``transfer = tanh``), and for activity whose regions are named.

Departures
----------
- Values are those of the authors' program and its example, of tanh units throughout; units with rates between 0 and 1
  are the default here, as in rajan2016, and `brainmem.fit` chooses by the data.
- Without a recording the target is the sequence of rajan2016.
"""

from brainmem.models.rajan2016.model import model as base
from brian2 import ms

from brainmem import Reference

reference = Reference(
    authors="M. G. Perich, C. Arlt, S. Soares, M. E. Young, C. P. Mosher, J. Minxha, E. Carter, U. Rutishauser, "
    "P. H. Rudebeck, C. D. Harvey, K. Rajan",
    title="Inferring brain-wide interactions using data-constrained recurrent neural network models",
    journal="bioRxiv 2020.12.18.423348",
    year=2020,
    doi="10.1101/2020.12.18.423348",
)

model = base.vary(
    p=1.0, tau=100 * ms, h0=0.01, tau_wn=100 * ms, eps=0.001, error_on="rate", source="Perich 2020"
).replace(name="rajan2016_regions", reference=reference, description=__doc__)

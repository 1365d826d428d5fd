"""Recall by cells that inhibitory cells keep apart; ours, with the weights that ``deistler2018`` learns.

The paper recalls with binary units and a fixed threshold. Here units answer in proportion to their field, a constant
input, and the inhibition by a population of inhibitory units that follow the number of active ones: K active units
balance the constant input. In the spiking variant both are cells. A pattern is recalled when the units that fire above
half of the highest rate, in the last part of the recall, are those of the pattern. This part begins ten time constants
after the cue has ended: traces of the cue keep the order of the units for a while, so that even a dead network would
seem to recall by "the K most active". With weights of 0 nothing must be recalled.
"""

from brainmem.models.deistler2018.model import model as base

from brainmem import Observable, Parameter, Population

parameters = (
    Parameter("tonic", 0.5, meaning="constant input, which inhibition by K active units balances", source="ours"),
    Parameter("g", "tonic/K", meaning="inhibition of all units by each that is active", source="ours"),
    Parameter("gain", 20.0, meaning="gain of the units", source="ours"),
    Parameter("n_inh", 40, meaning="inhibitory units", source="ours"),
    Parameter(
        "most", "4*K", meaning="active units at which inhibitory units fire at their highest rate", source="ours"
    ),
    Parameter("tau_inh", "tau", meaning="time constant of inhibition", source="ours"),
)

units = Population(
    "units",
    """
    h : 1                                             # field, sum_j w_ij x_j
    n : 1                                             # patterns learned so far
    drive = clamp*(pattern + cue + old + foil) + free*gain*(h + tonic - g*most*inhibition) : 1
    phi = clip(drive, 0, 1) : 1
    dx/dt = (phi - x)/tau : 1
    """,
    size="M",
    rate="x",
    drive="drive",
    transfer="phi",
    initial={"n": "n_old + zeros()"},
)
interneurons = Population(
    "interneurons",
    """
    drive = total/most : 1
    phi = clip(drive, 0, 1) : 1
    dy/dt = (phi - y)/tau_inh : 1
    """,
    size="n_inh",
    rate="y",
    drive="drive",
    transfer="phi",
)

model = base.choose(fire="winners", diagonal="zero").replace(
    units,
    interneurons,
    Observable("total", "x", population="units", reduce="sum"),
    Observable("inhibition", "y", population="interneurons"),
    *parameters,
    name="deistler2018_inhibition",
    description=__doc__,
)

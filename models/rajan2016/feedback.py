"""Low-rank feedback (FORCE, Nicola & Clopath 2017) on the sequence of Rajan, Harvey & Tank (2016).

W. Nicola, C. Clopath, "Supervised learning in spiking neural networks with FORCE training", Nature Communications 8,
2208 (2017), doi:10.1038/s41467-017-01827-3.

A random network feels a few read-outs of its own activity through fixed feedback, and recursive
least squares trains the read-outs alone: the recurrent weights gain a matrix of rank K. What is
taught is the read-outs, here bumps that follow each other, not the rate of every unit.

Departures
----------
- Rate units and cells are those of rajan2016, not the ones of the FORCE paper; the task is K bumps that tile the trial.
- The read-outs are trained at every `learn_step`, with the factor c in the weight step, as in rajan2016.
"""

from dataclasses import replace

from brainmem.models.rajan2016.model import frames
from brainmem.models.rajan2016.model import model as base

from brainmem import LearningRule, Observable, Parameter, Pattern, Population, Projection, Reference, Stimulus

reference = Reference(
    authors="W. Nicola, C. Clopath",
    title="Supervised learning in spiking neural networks with FORCE training",
    journal="Nature Communications 8, 2208",
    year=2017,
    doi="10.1038/s41467-017-01827-3",
)

parameters = (
    Parameter("K", 8, meaning="number of read-outs", source="ours"),
    Parameter("q", 3.0, meaning="strength of their feedback", source="ours"),
)

units = Population(
    "units",
    """
    zf : 1                                       # recurrent current through fixed synapses
    zq : 1                                       # and from the read-outs
    k : 1                                        # sum_j P_ij r_j
    c = 1/(1 + den) : 1
    dx/dt = (-x + zf + zq + h + noise)/tau : 1
    r = 1/(1 + exp(-x)) : 1
    """,
    size="N",
    rate="r",
    drive="x",
    transfer="r",
    rate_range=(0, 1),
)

outputs = Population(
    "outputs",
    """
    out : 1                                      # sum_j D_kj r_j
    c = 1/(1 + den) : 1
    err = out - R : 1
    dloss/dt = (R - out)**2/T : 1                # at the end of a pass: its mean squared error
    """,
    size="K",
)

fixed = Projection(
    "fixed",
    "units",
    "units",
    current="zf_post = w*r_pre : 1 (summed)",
    initial={"w": "normal(0, g/sqrt(N))"},
    self_connections=True,
)
feedback = Projection(
    "feedback", "outputs", "units", current="zq_post = w*out_pre : 1 (summed)", initial={"w": "uniform(-q, q)"}
)
decoder = Projection("decoder", "units", "outputs", current="out_post = w*r_pre : 1 (summed)", initial={"w": "zeros()"})
inverse = Projection(
    "inverse",
    "units",
    "units",
    current="k_post = P*r_pre : 1 (summed)",
    initial={"P": "eye()/alpha"},
    self_connections=True,
)

rules = (
    LearningRule(
        "weights",
        "decoder",
        periodic="w -= learning*c_post*err_post*k_pre",
        every="learn_step",
        equation="D_kj <- D_kj - c e_k k_j",
        read="trace",
    ),
    LearningRule(
        "squares",
        "inverse",
        periodic="P -= learning*c_post*k_pre*k_post",
        every="learn_step",
        equation="P_ij <- P_ij - c k_i k_j",
        read="trace",
    ),
)

patterns = (Pattern("onset", "units", items="sequences", draw="normal(0, 1)"),)
stimuli = (
    Stimulus("R", "outputs", draw="peak*exp(-(time - (unit + 0.5)*T/K)**2/(2*sigma**2))", **frames),
    Stimulus("h", "units", draw="h0*filtered_noise(tau_wn)", **frames),
)

model = base.replace(
    *parameters,
    *rules,
    *patterns,
    *stimuli,
    *(replace(phase, stimuli=("R", "h")) for phase in base.protocol.phases),
    Observable("den", "r*k", population="units", reduce="sum"),
    Observable("misfit", "loss", population="outputs"),
    without=("p", "n", "theta", "eps", "coding_level", "error_on", "transfer", "samples", "place", "seen"),
    populations=(units, outputs),
    projections=(fixed, feedback, decoder, inverse),
    name="rajan2016_feedback",
    reference=reference,
    description=__doc__,
)

"""Repeated sequential learning of input-to-target maps (Kurikawa, Barak & Kaneko 2020).

T. Kurikawa, O. Barak, K. Kaneko, "Repeated sequential learning increases memory capacity via
effective decorrelation in a recurrent neural network", Physical Review Research 2, 023307 (2020),
doi:10.1103/PhysRevResearch.2.023307, arXiv:1906.11770.

A memory is a map from an input pattern (the cue) to a target pattern, both in {-1, +1}^N. While
a map is present, every synapse reduces the difference between its unit's rate and the
target, using only quantities found at the synapse. A map learned once is soon
overwritten; presenting all maps again and again decorrelates them in the
connectivity and raises the capacity.

A map counts as recalled when the overlap of its target with the rates, averaged over the second half of a test, exceeds
0.85 on average over the random starts. The spiking variant is judged by Pearson's correlation with the target: its mean
rates are noisy and saturate less (mean |x| of 0.80 where the rate network has 0.91, after five epochs of 20 maps). That
scales the overlap down although the pattern is there (0.79 for 0.90), and leaves the correlation as it is (0.94 for
0.98).

Departures
----------
- The paper's time has no unit; here one unit of model time is ``tau``, so that the spiking variant has a time scale.
- The input and target patterns eta and xi are called ``cue`` and ``target``: ``xi`` is Brian2's noise.
- Parameter values come from a numerical reconstruction, not from the paper's text.
- In the spiking variant the rows' norm creeps up by about 1 % an epoch, because spikes lead their trace by ``tau``;
  with ``read="trace"`` it stays at 1, as in the rate variant.
"""

from brian2 import ms

from brainmem import (
    Each,
    LearningRule,
    Limit,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Recalled,
    Reference,
    Repeat,
    Stimulus,
)

reference = Reference(
    authors="T. Kurikawa, O. Barak, K. Kaneko",
    title="Repeated sequential learning increases memory capacity via effective "
    "decorrelation in a recurrent neural network",
    journal="Physical Review Research 2, 023307",
    year=2020,
    doi="10.1103/PhysRevResearch.2.023307",
    arxiv="1906.11770",
)

parameters = (
    Parameter("N", 100, meaning="number of units", source="reconstruction"),
    Parameter("M", 20, meaning="number of maps", source="reconstruction"),
    Parameter("epochs", 5, meaning="presentations of every map", source="reconstruction"),
    Parameter("test_epochs", (1, 2, 5), meaning="epochs followed by a recall test", source="ours"),
    Parameter("starts", 3, meaning="random initial states per map and recall test", source="reconstruction"),
    Parameter("tau", 25 * ms, meaning="one unit of model time: the units' time constant", source="ours"),
    Parameter("beta", 4.0, meaning="gain of the transfer function", source="reconstruction"),
    Parameter("gamma", 0.6, meaning="strength of the cue", source="reconstruction"),
    Parameter("eps", "0.03/N", meaning="learning rate per unit of model time", source="reconstruction"),
    Parameter("m_stop", 0.95, meaning="overlap at which a learning step ends", source="reconstruction"),
    Parameter("T_learn", "100*tau", meaning="longest learning step", source="reconstruction"),
    Parameter("T_recall", "60*tau", meaning="duration of a recall test", source="reconstruction"),
    Parameter("T_average", "30*tau", meaning="its last part, over which rates are averaged", source="reconstruction"),
    Parameter("rate_step", "0.1*tau", meaning="Euler step of the rate variant", source="reconstruction"),
)

units = Population(
    "units",
    """
    u : 1                                # recurrent field, sum_j J_ij x_j
    drive = u + gamma*cue : 1
    phi = tanh(beta*drive) : 1
    dx/dt = (phi - x)/tau : 1
    """,
    size="N",
    rate="x",
    drive="drive",
    transfer="phi",
    rate_range=(-1, 1),
    initial={"x": "uniform(-1, 1)"},
)

recurrent = Projection(
    "recurrent",
    "units",
    "units",
    current="u_post = w*x_pre : 1 (summed)",
    initial={"w": "normal(0, 1/sqrt(N))"},
    row_norm=1.0,
    self_connections=False,
)

delta = LearningRule(
    "delta",
    "recurrent",
    continuous="dw/dt = plastic*(eps/tau)*(target_post - x_post)*(x_pre - u_post*w) : 1",
    equation="dJ_ij/dt = eps (xi_i - x_i)(x_j - u_i J_ij)",
)

protocol = Protocol(
    phases=(
        Phase(
            "learn",
            duration="T_learn",
            until="overlap > m_stop",
            stimuli=("cue", "target"),
            gates={"plastic": 1},
        ),
        Phase(
            "recall",
            duration="T_recall",
            stimuli=("cue",),
            start={"x": "uniform(-1, 1)"},
            average="T_average",
            restore=True,
            paired=True,
        ),
    ),
    schedule=(
        Repeat(
            "epochs",
            (
                Each("learn", items="M", order="random"),
                Each("recall", items="M", repeats="starts", epochs="test_epochs"),
            ),
        ),
    ),
)

model = MemoryModel(
    "kurikawa2020",
    parameters=parameters,
    populations=(units,),
    projections=(recurrent,),
    rules=(delta,),
    stimuli=(
        Stimulus("cue", "units", items="M", values=(-1, 1), distinct=True),
        Stimulus("target", "units", items="M", values=(-1, 1)),
    ),
    observables=(Observable("overlap", "x*target", population="units"),),
    protocol=protocol,
    recalled=Recalled(
        phase="recall",
        target="target",
        score="overlap",
        threshold=0.85,
        repeats="mean",
        spiking={"score": "pearson"},
    ),
    limits=(
        Limit(
            "M < 2*N/(1 + gamma**2)",
            "fields that solve all maps with rows of norm 1 exist only below this load",
        ),
    ),
    reference=reference,
    rate_dt="rate_step",
    time_unit="tau",
    spiking={"spike_dt": 1 * ms},
    description=__doc__,
)

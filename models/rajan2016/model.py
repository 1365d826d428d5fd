"""Sequences from partial in-network training, PINning (Rajan, Harvey & Tank 2016).

K. Rajan, C. D. Harvey, D. W. Tank, "Recurrent Network Models of Sequence Generation and Memory",
Neuron 90, 128-142 (2016), doi:10.1016/j.neuron.2016.02.009, arXiv:1603.04687.

A random network is taught to fire in sequence by changing only the synapses that leave a small
random subset of its units. Recursive least squares moves the recurrent current of every unit
towards the current that its target rate needs, at every step of a pass through the sequence;
then a test pass without learning tells how much of the target's variance the rates explain
(pVar). The input ``h`` is noise that is drawn once and comes back in every pass. With several
sequences, each has its own order of units and its own input, and one network learns all.

A test pass ends with ``misfit``, the mean squared error of the rates over units and time, and the
weights are recorded after it: ``1 - misfit/var(R)`` is pVar, which is not monotone in the passes.

Departures
----------
- Equations and values are recalled from the paper and from the group's later public code, not read in the paper
  ("second-hand"), or chosen so that a numerical reconstruction agrees with its pVar of 92 % ("reconstruction").
- The plastic units are the first ``n``; which place they have in the sequence is random (``place``), as if a random
  subset had been drawn.
- The targets are idealised: bumps that travel over the units. `brainmem.fit` takes recorded ones; or give them as
  ``inputs={"R": rates}``, of shape (items, frames, unit), between 0 and 1.
"""

from brian2 import ms, second

from brainmem import (
    Choice,
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Reference,
    Repeat,
    Stimulus,
)

reference = Reference(
    authors="K. Rajan, C. D. Harvey, D. W. Tank",
    title="Recurrent Network Models of Sequence Generation and Memory",
    journal="Neuron 90, 128-142",
    year=2016,
    doi="10.1016/j.neuron.2016.02.009",
    arxiv="1603.04687",
)

parameters = (
    Parameter("N", 500, meaning="number of units", source="second-hand"),
    Parameter("p", 0.08, meaning="fraction of units whose outgoing synapses are plastic", source="second-hand"),
    Parameter("n", "round(p*N)", meaning="number of these units", source="second-hand"),
    Parameter("sequences", 1, meaning="number of sequences", source="second-hand"),
    Parameter("taught", "sequences", meaning="how many of them are learned, the first; all are tested", source="ours"),
    Parameter("T", 10.5 * second, meaning="duration of a sequence", source="second-hand"),
    Parameter("sigma", "sqrt(0.3)*second", meaning="width of a bump of activity", source="second-hand"),
    Parameter("tau", 10 * ms, meaning="time constant of the units", source="second-hand"),
    Parameter("theta", 0.0, meaning="current at which the rate is 1/2", source="second-hand"),
    Parameter("g", 1.5, meaning="strength of the random connectivity", source="second-hand"),
    Parameter("h0", 1.0, meaning="strength of the frozen input", source="second-hand"),
    Parameter("tau_wn", 1 * second, meaning="its correlation time", source="second-hand"),
    Parameter("alpha", 1.0, meaning="inverse of the first learning rate", source="reconstruction"),
    Parameter("eps", 0.01, meaning="targets are clipped to [eps, 1 - eps]", source="reconstruction"),
    Parameter("coding_level", 1.0, meaning="fraction of the units that take part in a sequence", source="second-hand"),
    Parameter("peak", 1.0, meaning="largest target rate", source="second-hand"),
    Parameter("noise_sd", 0.25, meaning="sd that fresh noise alone gives the current", source="reconstruction"),
    Parameter("tests", 12, meaning="test passes", source="reconstruction"),
    Parameter("passes", 2, meaning="learning passes before each test", source="reconstruction"),
    Parameter("rate_step", 1 * ms, meaning="Euler step", source="second-hand"),
    Parameter("learn_step", "rate_step", meaning="time between changes of the weights", source="reconstruction"),
)

noise = Choice(
    "noise",
    {"none": "0", "white": "noisy*noise_sd*sqrt(2*tau)*xi"},
    meaning="fresh noise on the current while learning, so that the solution tolerates that of spikes",
    source="reconstruction",
)

error_on = Choice(
    "error_on",
    {"recurrent": "z - f", "total": "z + h - f", "rate": "r - aim"},
    meaning="what learning compares with its target: the recurrent current, the total current, the rate",
    source="reconstruction",
)

transfer = Choice(
    "transfer",
    {
        "logistic": {"phi": "1/(1 + exp(-(x - theta)))", "lowest": "0", "wanted": "R"},
        "tanh": {"phi": "tanh(x - theta)", "lowest": "-1", "wanted": "goal"},
    },
    meaning="the rate of a unit over its current, the lowest rate, and the rate that `error_on=rate` wants: "
    "tanh for activity of both signs",
    source="ours",
)

samples = Choice(
    "samples",
    {
        "all": {"counted": "1", "ongoing": "1"},
        "marked": {"counted": "int(seen > 0)", "ongoing": "int(seen > -1)"},
    },
    meaning="whether all samples of the target teach and test, or those marked by `seen`: 1, 0 where one is missing, "
    "-1 where the trial is over",
    source="ours",
)

units = Population(
    "units",
    """
    zf : 1                                       # recurrent current through fixed synapses
    zp : 1                                       # and through plastic ones
    k : 1                                        # sum_j P_ij r_j, over the plastic columns
    c = ongoing/(1 + den) : 1
    z = zf + zp : 1
    goal = clip(R, lowest + eps, 1 - eps) : 1
    f = log((goal - lowest)/(1 - goal))/(1 - lowest) + theta : 1  # the current that the target needs
    aim = wanted : 1
    err = counted*error_on : 1
    dx/dt = (-x + z + h + noise)/tau : 1
    r = phi : 1
    dloss/dt = counted*(R - r)**2/T : 1          # at the end of a pass: its mean squared error
    """,
    size="N",
    rate="r",
    drive="x",
    transfer="r",
    rate_range=("lowest", 1),
)

fixed = Projection(
    "fixed",
    "units",
    "units",
    current="zf_post = w*r_pre : 1 (summed)",
    initial={"w": "normal(0, g/sqrt(N))"},
    self_connections=True,
    source_units="n:",
)

plastic = Projection(
    "plastic",
    "units",
    "units",
    current="zp_post = w*r_pre : 1 (summed)",
    initial={"w": "normal(0, g/sqrt(N))"},
    self_connections=True,
    source_units=":n",
)

inverse = Projection(
    "inverse",
    "units",
    "units",
    current="k_post = P*r_pre : 1 (summed)",
    initial={"P": "eye()/alpha"},
    self_connections=True,
    source_units=":n",
    target_units=":n",
)

rules = (
    LearningRule(
        "weights",
        "plastic",
        periodic="w -= learning*c_post*err_post*k_pre",
        every="learn_step",
        equation="J_ij <- J_ij - c e_i k_j",
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

frames = {"items": "sequences", "frames": "round(T/rate_step)", "every": "rate_step"}
patterns = (
    Pattern("place", "units", items="sequences", draw="permutation()"),
    Pattern(
        "onset",
        "units",
        items="sequences",
        draw="log((clip(first(R), lowest + eps, 1 - eps) - lowest)/(1 - clip(first(R), lowest + eps, 1 - eps)))"
        "/(1 - lowest) + theta",
    ),
)

stimuli = (
    Stimulus(
        "R",
        "units",
        draw="peak*exp(-(time - (place + 0.5)*T/(coding_level*N))**2/(2*sigma**2))*int(place < coding_level*N)",
        **frames,
    ),
    Stimulus("h", "units", draw="h0*filtered_noise(tau_wn)", **frames),
    Stimulus("seen", "units", draw="1", **frames),
)

begin = {"x": "onset", "loss": "0"}
protocol = Protocol(
    phases=(
        Phase("learn", duration="T", stimuli=("R", "h", "seen"), gates={"learning": 1, "noisy": 1}, start=begin),
        Phase("test", duration="T", stimuli=("R", "h", "seen"), start=begin),
    ),
    schedule=(
        Repeat(
            "tests",
            (
                Each("learn", items="taught", order="random", repeats="passes"),
                Each("test", items="sequences"),
            ),
        ),
    ),
)

model = MemoryModel(
    "rajan2016",
    parameters=parameters,
    choices=(error_on, noise, transfer, samples),
    populations=(units,),
    projections=(fixed, plastic, inverse),
    rules=rules,
    patterns=patterns,
    stimuli=stimuli,
    observables=(
        Observable("den", "r*k", population="units", reduce="sum", units=":n"),
        Observable("misfit", "loss", population="units"),
    ),
    protocol=protocol,
    reference=reference,
    rate_dt="rate_step",
    time_unit="tau",
    description=__doc__,
)

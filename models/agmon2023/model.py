"""Many continuous attractors in one network, with and without a correction that makes them flat (Agmon, Burak 2023).

H. Agmon, Y. Burak, "Simultaneous embedding of multiple attractor manifolds in a recurrent neural network using
constrained gradient optimization", Advances in Neural Information Processing Systems 36 (NeurIPS 2023),
arXiv:2310.18708.

L maps each give the same N neurons another order on a ring. The weights J are the sum of a ring's weights over the
maps, so that bumps of activity could stand at every place of every map, and remember it. They do not stay: what the
other maps add to the energy of a bump is rough, and bumps drift into its nearest wells. A small symmetric change M of
the weights, found by linear algebra, makes the energy equal at all places of all maps:

    tau dI_i/dt = -I_i + h + sum_j (J_ij + M_ij) r_j,   r = sqrt(I) for I > 0, else 0
    E = sum_i (r_i^3/3 - h r_i - r_i rec_i/2),   rec = (J + M) r

The gradient of the energy of a state with respect to a weight is -r_i r_j. So the change can be learned by a local
rule with one third factor for the whole network, presynaptic rate x postsynaptic rate x (energy - its running mean),
while the network visits places. This rule is ours; the paper leaves a local rule open. It tends to the same M, slowly.

The weights ``recurrent.w`` are J at the start, and M is what is added to them: ``weights={"recurrent": J + M}``.
`reference` has the paper's two schemes for M in plain numpy, `networks` the second on this network. With several `rows`
maps are tori of N/rows times `rows` places; their bump is given as ``inputs={"imposed": ...}``, and `total_0` with it.

Protocols: ``drift`` (bumps are released at places, and stay or drift), ``hold`` (they relax while a weak input keeps
their centres, for the second scheme; ``hold_on`` goes on from a state that is given), ``let_go`` (drift from such a
state), ``held_drift`` (hold, then let go), ``landscape`` (bumps are shown at all places, for their energy), ``visits``
and ``episodes`` (the network is shown its places, and learns while it is shown one, or once at the end of it).

Departures
----------
- The centre of a held bump is kept by an input -mu*c, c the distance from the centre, with mu set by feedback of the
  centre's deviation. In rates the paper's constraint is linear, and this is its Lagrange multiplier.
- Beyond `window` units from the centre nothing holds a neuron, and all may become active; ``moving="bump"`` moves only
  those that are active in the bump of one map, which is the literal reading. The paper leaves it open.
- On a torus bumps are held along, not across, so that the second scheme is for rings.
- The paper has neither spikes nor noise.
"""

from brainmem.models.agmon2023.reference import Ring
from brainmem.models.agmon2023.transfers import lif_rate
from brian2 import hertz, ms

from brainmem import (
    Choice,
    Curve,
    Each,
    LearningRule,
    Limit,
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
    authors="H. Agmon, Y. Burak",
    title="Simultaneous embedding of multiple attractor manifolds in a recurrent neural network using constrained "
    "gradient optimization",
    journal="Advances in Neural Information Processing Systems 36, 16770-16782",
    year=2023,
    arxiv="2310.18708",
)

ring = Ring()  # one map, whose bump does not depend on N
profile = Curve(
    "profile",
    x=range(-150, 151),
    y=ring.current[range(-150, 151)] * hertz**2,
    meaning="current of the bump of one map, by distance from its centre",
    source="eqs. S1 to S5 with L=1 and A, sigma, b, h0 as below",
)

lif_cells = Curve.sampled(
    "tabulated",
    lif_rate,
    -150 * hertz**2,
    250 * hertz**2,
    points=401,
    meaning="rates of leaky integrate-and-fire cells, scaled to come near the root",
    source="Siegert's integral",
)

parameters = (
    Parameter("N", 600, meaning="number of neurons, and of places in a map", source="paper"),
    Parameter("L", 10, meaning="number of maps", source="paper"),
    Parameter("tau", 15 * ms, meaning="time constant of the neurons", source="paper"),
    Parameter("h0", 10 * hertz**2, meaning="input of one map alone", source="paper"),
    Parameter("A", 0.665 * hertz, meaning="height of the kernel", source="paper"),
    Parameter("sigma", 15.0, meaning="its width, in units", source="paper"),
    Parameter("b", -0.2076 * hertz, meaning="constant inhibition", source="paper"),
    Parameter("rows", 1, meaning="places across a map: 1 for a ring, more for a torus", source="ours"),
    Parameter("width", "sqrt(2*pi)*sigma", meaning="sum of the kernel's Gaussian along", source="eq. S1"),
    Parameter("depth", "1 + (rows > 1)*(width - 1)", meaning="and across", source="eq. S1"),
    Parameter("row", "A*(width*depth - 1) + b*(N - 1)", meaning="sum of a row of one map", source="eqs. S1, S2"),
    Parameter("total_0", ring.rate.sum() * hertz, meaning="sum of the rates of one map's bump", source="its profile"),
    Parameter(
        "h",
        "h0 - (L - 1)*row*total_0/N",
        meaning="input: cancels the mean of what other maps give",
        source="below eq. S4",
    ),
    Parameter("starts", 10, meaning="places of each map at which bumps begin, evenly spaced", source="paper"),
    Parameter("bumps", "L*starts", meaning="these states, map by map", source="paper"),
    Parameter("T", 3000 * ms, meaning="duration of a test", source="paper"),
    Parameter("rate_step", 0.2 * ms, meaning="Euler step; 1 ms will do for 20 maps, but not for 60", source="paper"),
    Parameter("window", 45.0, meaning="units from the centre within which a bump is held", source="ours"),
    Parameter("slope", 0.1 / hertz, meaning="gain of the threshold-linear transfer", source="ours"),
    Parameter("top", 15 * hertz, meaning="highest rate of the logistic transfer", source="ours"),
    Parameter("half", 50 * hertz**2, meaning="current at which it is half of that", source="ours"),
    Parameter("soft", 15 * hertz**2, meaning="and how softly it rises", source="ours"),
    Parameter("T_hold", "25*tau", meaning="time for which bumps are held", source="reconstruction"),
    Parameter("D", 121.67 * hertz**3, meaning="sum of 2 r (dr/dx)^2 of the bump: its inertia", source="derived"),
    Parameter("kp", "2*D/total_0", meaning="feedback of the deviation of the centre", source="ours"),
    Parameter("ki", "D/(total_0*tau)", meaning="and of its integral: critically damped", source="ours"),
    Parameter("T_visit", 15 * ms, meaning="duration of a visit", source="ours"),
    Parameter("wait", 0 * ms, meaning="first part of a visit in which nothing is learned", source="ours"),
    Parameter("laps", 1, meaning="visits of every place", source="ours"),
    Parameter(
        "G0",
        ((ring.rate**2).sum() ** 2 - (ring.rate**4).sum()) / 2 * hertz**4,
        meaning="(|r|^4 - sum r^4)/2 of the bump",
        source="its profile",
    ),
    Parameter("gain", "log(2)", meaning="a visit takes the energy exp(-gain) of the way to its mean", source="ours"),
    Parameter("forget", "1/bumps", meaning="weight of a visit in the running mean of the energy", source="ours"),
)

transfer = Choice(
    "transfer",
    {
        "root": {"phi": "sqrt(u*int(u > 0*hertz**2))", "stored": "r**3/3"},
        "linear": {"phi": "slope*u*int(u > 0*hertz**2)", "stored": "r**2/(2*slope)"},
        "logistic": {
            "phi": "top/(1 + exp(-(u - half)/soft))",
            "stored": "u*r - top*soft*log(1 + exp((u - half)/soft))",
        },
        "tabulated": {"phi": "tabulated(u)", "stored": "u*r - tabulated_integral(u)"},
    },
    meaning="rate over current, and its part of the energy, int z phi'(z) dz = u*r - int phi(z) dz. The bump is that "
    "of the root: for others give `imposed` and `total_0`",
    source="root: paper, eq. S5; others ours",
)
moving = Choice(
    "moving",
    {"all": "1", "bump": "1 - held*(1 - mobile)"},
    meaning="which neurons move while a bump is held: all, or those that are active in the bump of one map",
    source="ours; the paper leaves it open",
)

cells = Population(
    "cells",
    """
    rec : hertz**2                                           # sum_j W_ij r_j
    dI/dt = (-I + moving*(h + rec - held*mu*lever) + (1 - moving)*I)/tau : hertz**2
    u = (1 - clamp)*I + clamp*imposed : hertz**2              # what the rate follows
    r = phi : hertz
    """,
    rate="r",
    drive="I",
    transfer="r",
    rate_range=("0*hertz", "15*hertz"),
)
centre = Population(  # of a bump that is held
    "centre",
    """
    deviation = lean/total_0 : 1
    mu = kp*deviation + z : hertz**2
    dz/dt = held*ki*deviation : hertz**2
    """,
    size=1,
)
meter = Population(  # of the energy
    "meter",
    """
    above : hertz**3
    late = int(elapsed > wait) : 1
    dmean_energy/dt = learning*late*forget*(energy - mean_energy)/(T_visit - wait) : hertz**3
    """,
    size=1,
)
ALONG = "ring(floor(place_post/rows) - floor(place_pre/rows), N/rows)"
ACROSS = "ring(place_post - place_pre, rows)"  # 0 on a ring
recurrent = Projection(
    "recurrent",
    "cells",
    "cells",
    current="rec_post = w*r_pre : hertz**2 (summed)",
    initial={"w": f"sum_items(A*exp(-({ALONG}**2 + {ACROSS}**2)/(2*sigma**2)) + b)"},  # J, eqs. S1, S2
)

online = LearningRule(
    "online",
    "recurrent",
    during=("visit",),
    continuous="dw/dt = learning*late*gain*(energy - mean_energy)*r_pre*r_post/(G0*(T_visit - wait)) : hertz",
    read="trace",  # the noise of sum r**3/3 - r*rec/2 cancels to first order at a bump, if all r are the same
    equation="ours, from eqs. 3 and S24: dE/dM_ij = -r_i r_j",
)
episodic = LearningRule(
    "episodic",
    "recurrent",
    episodic="w += (1 - exp(-gain))*above*r_pre*r_post/G0",
    at=("episode",),
    equation="the same, one step at the end of a visit",
)

place = Pattern("place", "cells", items="L", draw="permutation()")
along = Pattern(  # from the centre of the bump, on the map of the item
    "along",
    "cells",
    items="bumps",
    draw="ring(floor(row(place, floor(item/starts))/rows) - floor(floor(N/starts*(item % starts))/rows), N/rows)",
)
across = Pattern(
    "across",
    "cells",
    items="bumps",
    draw="ring(row(place, floor(item/starts)) - floor(N/starts*(item % starts)), rows)",
)
ideal = Pattern("ideal", "cells", items="bumps", draw="sqrt(imposed*(imposed > 0*hertz**2))", unit="hertz")
imposed = Stimulus(
    "imposed", "cells", items="bumps", draw="profile(sqrt(along**2 + across**2))", unit="hertz**2"
)  # the bump of one map
mobile = Stimulus("mobile", "cells", items="bumps", draw="imposed > 0*hertz**2")
lever = Stimulus("lever", "cells", items="bumps", draw="along*(abs(along) <= window)")

at_place = {"I": "imposed"}
holding = {"duration": "T_hold", "stimuli": ("lever", "mobile"), "gates": {"held": 1}, "spiking": None}
release = Phase("release", duration="T", start=at_place, average="T/30")
hold = Phase("hold", start=at_place, begin={"centre": "z = 0*hertz**2"}, **holding)
hold_on = Phase("hold_on", **holding)
let_go = Phase("let_go", duration="T", average="T/30")  # from a state that is given, or held
shown = {"duration": "T_visit", "stimuli": ("imposed",)}
look = Phase("look", duration="rate_step", stimuli=("imposed",), gates={"clamp": 1})
survey = Phase("survey", gates={"clamp": 1}, end={"meter": "mean_energy = mean_energy + energy/bumps"}, **shown)
visit = Phase("visit", gates={"clamp": 1, "learning": 1}, **shown)
measured = "above = energy - mean_energy; mean_energy = mean_energy + forget*above"
episode = Phase("episode", gates={"clamp": 1}, end={"meter": measured}, **shown)

protocols = {
    "drift": Protocol((release,), (Each("release", items="bumps"),)),
    "let_go": Protocol((let_go,), (Each("let_go", items="bumps"),)),
    "landscape": Protocol((look,), (Each("look", items="bumps"),)),
    "hold": Protocol((hold,), (Each("hold", items="bumps"),)),
    "hold_on": Protocol((hold_on,), (Each("hold_on", items="bumps"),)),
    "held_drift": Protocol((hold, let_go), (Each(("hold", "let_go"), items="bumps"),)),
    "visits": Protocol(
        (survey, visit),
        (Each("survey", items="bumps"), Repeat("laps", (Each("visit", items="bumps", order="random"),))),
    ),
    "episodes": Protocol(
        (survey, episode),
        (Each("survey", items="bumps"), Repeat("laps", (Each("episode", items="bumps", order="random"),))),
    ),
}

model = MemoryModel(
    "agmon2023",
    parameters=parameters,
    choices=(transfer, moving),
    curves=(profile, lif_cells),
    populations=(cells, centre, meter),
    projections=(recurrent,),
    rules=(online, episodic),
    patterns=(place, along, across, ideal),
    stimuli=(lever, mobile, imposed),
    observables=(
        Observable("energy", "stored - h*r - r*rec/2", population="cells", reduce="sum", unit="hertz**3"),  # eqs. 1, S8
        Observable("lean", "lever*r", population="cells", reduce="sum", unit="hertz"),
    ),
    protocols=protocols,
    limits=(
        Limit(
            "N/rows >= 8*sigma and (rows == 1 or rows >= 8*sigma)",
            "a map must be wider than its bump and the kernel; raise N, and rows on a torus",
        ),
        Limit("1 <= starts and starts <= N", "bumps begin at places of their own"),
        Limit("wait < T_visit", "something must be left of a visit to learn in"),
    ),
    reference=reference,
    rate_dt="rate_step",
    spiking={"T_visit": "8*tau", "wait": "4*tau"},  # traces hold a mixture of two bumps for about 4 tau
    description=__doc__,
)

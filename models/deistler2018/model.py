"""Local learning rules that protect the weights a memory needs (Deistler, Sorbaro, Rule, Hennig 2018).

M. Deistler, M. Sorbaro, M. E. Rule, M. H. Hennig, "Local learning rules to attenuate forgetting in neural networks",
arXiv:1807.05097 (2018).

A network of M binary units stores sparse patterns p, each with K = s M active units, one after the other. Every epoch of
a presentation moves each weight towards the product of the deviations d = p - s of its two units, at a rate that is
lower for important weights:

    w_ij <- w_ij + eta*importance_ij*(d_i d_j - w_ij)

`importance` scales the rate of learning: asymptotes stay those of Hebb's rule. The rules differ in it alone. The Fisher
information of a stored pattern ensemble says how much its states depend on a weight; it is F_ij = <(d_i d_j)^2> - <d_i
d_j>^2 over the stored patterns, and the paper replaces it by a function of the weight itself. Controls that know nothing
of the curvature stand beside: `none` with a lower rate for later patterns (`anneal`), the gate on the size of the change
alone, importances that belong to other synapses (`shuffled`), and importances turned round (`anti`).

=====================  ============================================  =================================================
importance             in the paper                                  reads
=====================  ============================================  =================================================
hebb                   Eq. 3                                         nothing
exponential            Eq. 16                                        abs(w)
weight_threshold       Eq. 15, as in Fig. 3                          w
magnitude_threshold    Eq. 15, as in Fig. 2                          abs(w); self-connections are always plastic
bayes, bayes_pow       Eqs. 22-27                                    abs(w)
fisher ...             Eqs. 7, 8                                     F of all patterns so far, from sums S1, S2
fisher_local           Eq. 11                                        F estimated from w
count                  ours: local and exact                         how often both units were active
coincidence            ours: for cells, in time                      a running estimate q of the same
anneal                 control                                       the number of patterns so far
anti, shuffled ...     controls                                      as exponential, weight_threshold
=====================  ============================================  =================================================

`changes="large"` adds Eq. 17, a gate: only synapses whose change is larger than `z_min` are changed. "exp_threshold" of the paper is `exponential`
with this gate; the gate alone, with `hebb`, is a control.

Recall starts from a cue and takes ten synchronous steps; the state after the tenth counts. `fire` says how units answer:
at a fixed threshold (the paper), the K most driven ones (`winners`), or, in cells, by inhibition in proportion to the
activity. Synchronous binary dynamics are written as an equation whose Euler step is as long as its time constant:
``dx/dt = (fire - x)/tau`` with a step of `tau` puts x = fire.

The rules read the rates of units on which a pattern is imposed, not the pattern, so that cells learn from their spikes.

Departures
----------
- Self-connections, which the published results rest on, are a choice: `diagonal`.
- Ties of the field go to the unit with the lower index; fields are rounded to 1e-9 before they are ranked.
- The square in F is written (d_i d_j)^2 = ((1 - 2s) p_i + s^2)((1 - 2s) p_j + s^2), which is the same for p of 0 and 1,
  and right in the mean for rates read from spikes.
- The 20 patterns in the weights at the start count in S1, S2, C and n.
- In cells silent pairs decay too, by the term s^2 - w, which runs without spikes.
- Which parameters the paper leaves to its authors' code is told by their sources. What the code has beside (a unit that
  is always silent, half states at ties) is not followed.
"""

from brian2 import Hz, ms

from brainmem import (
    Choice,
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
    Recalled,
    Reference,
    Repeat,
    Stimulus,
)

reference = Reference(
    authors="M. Deistler, M. Sorbaro, M. E. Rule, M. H. Hennig",
    title="Local learning rules to attenuate forgetting in neural networks",
    journal="arXiv:1807.05097",
    year=2018,
    arxiv="1807.05097",
)

parameters = (
    Parameter("M", 100, meaning="number of units", source="paper"),
    Parameter("s", 0.1, meaning="fraction of units that are active in a pattern", source="paper"),
    Parameter("K", "round(s*M)", meaning="active units of a pattern", source="authors' code"),
    Parameter("n_old", 20, meaning="patterns in the weights at the start", source="paper"),
    Parameter("P", 90, meaning="patterns learned in sequence", source="paper"),
    Parameter("eta", 0.2503, meaning="learning rate per epoch", source="reconstruction"),
    Parameter("epochs", 5, meaning="epochs of a presentation", source="paper"),
    Parameter("a", 38.8, meaning="slope of exponential importances", source="reconstruction"),
    Parameter("z_min", 0.188, meaning="smallest change that the gate lets through", source="reconstruction"),
    Parameter("Theta", 0.0916, meaning="threshold of importances", source="reconstruction"),
    Parameter("c", 0.0058, meaning="importances c/(c + ...); per coincidence in count", source="reconstruction"),
    Parameter("n0", 20, meaning="patterns that anneal adds to those learned", source="reconstruction"),
    Parameter("theta", 1.0, meaning="threshold of the units", source="authors' code, Fig. 3"),
    Parameter("moved", 0, meaning="active units of a cue that are moved to silent ones", source="reconstruction"),
    Parameter("foils", 20, meaning="patterns tested that were never stored", source="ours"),
    Parameter("tested", tuple(range(1, 91)), meaning="numbers of patterns learned after which all are tested"),
    Parameter("presentations", 5000, meaning="epochs of one new pattern", source="paper"),
    Parameter("steps", 10, meaning="steps of recall", source="paper"),
    Parameter("beat", 1 * ms, meaning="one epoch of learning, or step of recall", source="ours"),
    Parameter("tau", "beat", meaning="time constant of the units; one beat in the rate variant", source="ours"),
    Parameter("T_learn", "epochs*beat", meaning="duration of a presentation", source="paper"),
    Parameter("T_cue", "beat", meaning="time for which a cue is imposed", source="ours"),
    Parameter("T_recall", "steps*beat", meaning="duration of recall", source="paper"),
    Parameter("T_read", "beat", meaning="its last part, which is scored", source="paper"),
    Parameter("tau_q", "20*T_learn", meaning="time constant of the estimate of coincidences", source="reconstruction"),
    Parameter("gain", 10.0, meaning="gain of cells that recall", source="reconstruction"),
    Parameter("g", 1.0, meaning="inhibition of all units by all that are active", source="ours"),
    Parameter("n_inh", 20, meaning="inhibitory units", source="ours"),
    Parameter("most", "4*K", meaning="active units at which inhibitory units fire at their highest rate", source="ours"),
    Parameter("tau_inh", "tau", meaning="time constant of inhibition", source="ours"),
)

importance = Choice(
    "importance",
    {
        "hebb": "1",
        "exponential": "exp(-a*abs(w))",
        "weight_threshold": "int(w <= Theta)",
        "magnitude_threshold": "int((abs(w) <= Theta) or (i == j))",
        "bayes": "c/(c + abs(w))",
        "bayes_pow": "c/(c + abs(w)*(1 - abs(w)))",
        "fisher": "exp(-a*F)",
        "fisher_threshold": "int(F <= Theta)",
        "fisher_bayes": "c/(c + F)",
        "fisher_local": "exp(-a*F_local)",
        "count": "1/(1 + c*C)",
        "coincidence": "1/(1 + a*q*(1 - q))",
        "anneal": "1/(n_post + n0)",
        "anti": "int(abs(w) >= Theta)",
    },
    default="exponential",
    meaning="what the rate of learning of a synapse is multiplied by",
    source="paper, authors' code and ours: see above",
)
changes = Choice(
    "changes",
    {"all": "1", "large": "int(abs(z) > z_min)"},
    default="all",
    meaning="whether small changes are left out",
    source="Eq. 17",
)
diagonal = Choice(
    "diagonal",
    {"kept": "1", "zero": "0"},
    meaning="whether units have connections to themselves, which are learned too",
    source="kept: authors' code",
)
fire = Choice(
    "fire",
    {
        "threshold": "int(h > theta)",
        "winners": "winners(h, K)",
        "inhibition": "gain*(h - theta - g*inhibition)",
    },
    meaning="how units answer to their field h",
    source="threshold: paper, Eq. 2",
)

units = Population(
    "units",
    """
    h : 1                                             # field, sum_j w_ij x_j
    n : 1                                             # patterns learned so far
    drive = clamp*(pattern + cue + old + foil) + free*fire : 1
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
total = Observable("total", "x", population="units", reduce="sum")
inhibition = Observable("inhibition", "y", population="interneurons")

deviations = "(old_post - s)*(old_pre - s)"
squares = "((1 - 2*s)*old_post + s**2)*((1 - 2*s)*old_pre + s**2)"
recurrent = Projection(
    "recurrent",
    "units",
    "units",
    current="h_post = w*x_pre : 1 (summed)",
    variables="S1 : 1\nS2 : 1\nC : 1",
    initial={
        "w": f"sum_items({deviations})/n_old*(1 - (1 - diagonal)*eye())",  # Eq. 1
        "S1": f"sum_items({deviations})",
        "S2": f"sum_items({squares})",
        "C": "sum_items(old_post*old_pre)",
        "q": "sum_items(old_post*old_pre)/n_old",
    },
    self_connections=True,
)

learning = LearningRule(
    "learning",
    "recurrent",
    during=("learn",),
    continuous="""
    z = (x_pre - s)*(x_post - s) - w : 1
    F = S2/n_post - (S1/n_post)**2 : 1
    F_local = s**2*(1 - s)**2 + (1 - 2*s)**2*w - w**2 : 1
    dw/dt = (eta/beat)*importance*changes*(1 - (1 - diagonal)*int(i == j))*z : 1
    dq/dt = (x_pre*x_post - q)/tau_q : 1
    """,
    equation="w_ij <- w_ij + eta*importance*(d_i d_j - w_ij)",
)
counting = LearningRule(
    "counting",
    "recurrent",
    episodic="""
    S1 += (x_pre - s)*(x_post - s)
    S2 += ((1 - 2*s)*x_pre + s**2)*((1 - 2*s)*x_post + s**2)
    C += x_pre*x_post
    """,
    at=("learn",),
    equation="S1 = sum of d_i d_j, S2 = sum of (d_i d_j)^2, C = sum of p_i p_j, over patterns",
)

# K units of each pattern are active; in cues, `moved` of them are silent, and as many others active
exact = "permutation() < K"
noisy = "pattern - (ranks(permutation() + M*(1 - pattern)) < moved) + (ranks(permutation() + M*pattern) < moved)"
old = Stimulus("old", "units", items="n_old", draw=exact, values=(0, 1))
pattern = Stimulus("pattern", "units", items="P", draw=exact, values=(0, 1))
foil = Stimulus("foil", "units", items="foils", draw=exact, values=(0, 1))
cue = Stimulus("cue", "units", items="P", draw=noisy, values=(0, 1))

show = Phase("show", duration="T_cue", stimuli=("pattern",), gates={"clamp": 1})
learn = Phase("learn", duration="T_learn", stimuli=("pattern",), gates={"clamp": 1}, end={"units": "n = n + 1"})
recalling = {"duration": "T_recall", "gates": {"free": 1}, "average": "T_read", "restore": True}
cueing = {"duration": "T_cue", "gates": {"clamp": 1}, "restore": True}
begin = Phase("begin", stimuli=("cue",), **cueing)
begin_old = Phase("begin_old", stimuli=("old",), **cueing)
begin_foil = Phase("begin_foil", stimuli=("foil",), **cueing)
recall = Phase("recall", **recalling)
recall_old = Phase("recall_old", **recalling)
recall_foil = Phase("recall_foil", **recalling)

learned = Each(("show", "learn"), items=("epoch - 1", "epoch"))
tests = Each(("begin", "recall"), items="epoch", epochs="tested")
foiled = Each(("begin_foil", "recall_foil"), items="foils", epochs="tested")
protocols = {
    "sequence": Protocol(
        (show, learn, begin, recall, begin_foil, recall_foil), (Repeat("P", (learned, tests, foiled)),)
    ),
    "one_new": Protocol(
        (show, learn, begin, recall, begin_old, recall_old),
        (
            Repeat(
                "presentations",
                (
                    Each(("show", "learn"), items=1),
                    Each(("begin", "recall"), items=1, epochs="tested"),
                    Each(("begin_old", "recall_old"), items="n_old", epochs="tested"),
                ),
            ),
        ),
    ),
    "recall": Protocol((begin, recall, begin_foil, recall_foil), (Each(("begin", "recall"), items="P"), Each(("begin_foil", "recall_foil"), items="foils"))),
}

model = MemoryModel(
    "deistler2018",
    parameters=parameters,
    choices=(importance, changes, diagonal, fire),
    populations=(units, interneurons),
    projections=(recurrent,),
    rules=(learning, counting),
    stimuli=(old, pattern, foil, cue),
    observables=(total, inhibition),
    protocols=protocols,
    recalled=Recalled(phase="recall", target="pattern", score="overlap", threshold=0.9),
    reference=reference,
    rate_dt="beat",
    spiking={
        "spike_dt": 1 * ms,
        "rate_max": 95 * Hz,
        "t_ref": 8 * ms,
        "sigma_v": 0.15,
        "beat": 60 * ms,
        "tau": 20 * ms,
        "tau_inh": 10 * ms,
        "T_cue": 200 * ms,
        "T_recall": 300 * ms,
        "T_read": 100 * ms,
    },
    description=__doc__,
)

"""Local learning rules that protect the weights a memory needs (Deistler, Sorbaro, Rule, Hennig 2018).

M. Deistler, M. Sorbaro, M. E. Rule, M. H. Hennig, "Local learning rules to attenuate forgetting in neural networks",
arXiv:1807.05097 (2018).

M binary units store sparse patterns p, each with K = s*M active units, one after the other. Every epoch of a
presentation moves each weight towards the product of the deviations d = p - s of its two units, and the more important
a weight is, the less it moves:

    w_ij <- w_ij + eta*importance_ij*(d_i*d_j - w_ij)

The rules differ in `importance` alone. It scales the rate of learning; where it is not 0, the asymptote is that of
Hebb's rule. What the states of the network depend on is told by the Fisher information of a weight, F_ij =
<(d_i d_j)^2> - <d_i d_j>^2 over the stored patterns. The paper puts a function of the weight itself in its place.
Controls know nothing of it: a lower rate for later patterns (`anneal`), the gate on the size of changes with Hebb's
rule, importances that belong to other synapses (`shuffled_...`), and importances turned round (`anti`).

=====================  ================================  =========================================================
importance             source                            reads
=====================  ================================  =========================================================
hebb                   Eq. 3                             nothing
exponential            Eq. 16                            abs(w)
weight_threshold       Eq. 15, as in Fig. 3              w
magnitude_threshold    Eq. 15, as in Fig. 2              abs(w); self-connections are always plastic
bayes, bayes_pow       Eqs. 22-27                        abs(w)
fisher, ..._threshold, Eqs. 7, 8                         F of the patterns so far, from the sums S1 and S2
..._bayes, ..._top
fisher_local           Eq. 11                            F estimated from w
count                  ours                              C, how often both units were active together
coincidence            ours, for cells                   q, a running estimate of the same fraction
anneal                 control                           n, the number of patterns so far
anti                   control                           abs(w)
=====================  ================================  =========================================================

With `z_min` above 0 only synapses whose abs(d_i d_j - w) is larger are changed (the gate of Eq. 17). The paper's
last rule is `exponential` with this gate; the gate alone, with `hebb`, is a control. d_i d_j has three values, so that
any function of d_i d_j - w is a polynomial of the rates, of degree one in each, with coefficients that depend on w:
cells follow the gate in the mean without knowing more than spikes and traces tell them.

Recall starts from a cue and takes ten synchronous steps; the state after the tenth counts. `fire` says which units
answer: those above a fixed threshold (the paper), or the K most driven ones (`winners`). Cells that recall by
themselves, kept apart by inhibitory cells, are a task of their own, ``deistler2018/inhibition``. Synchronous binary
dynamics are written as an equation whose Euler step is as long as its time constant: ``dx/dt = (fire - x)/tau`` puts
x = fire in each step of `tau`.

Rules read the rates of units on which a pattern is imposed, not the pattern, so that cells learn from their spikes.
Protocols: ``sequence`` (Fig. 3: learn pattern k, then test all up to k, and foils), ``one_new`` (Fig. 2: one new
pattern, many times, among old ones), ``learning`` (patterns in sequence without tests), ``recall`` (tests of given
weights).

Departures
----------
- Self-connections, which the published results rest on, are a choice: `diagonal`.
- Among equal fields the unit with the lower index wins; fields are rounded to 1e-9 before they are ranked.
- (d_i d_j)^2 is written ((1 - 2s) p_i + s^2)((1 - 2s) p_j + s^2), the same for p of 0 and 1, and right in the mean for
  rates read from spikes.
- The patterns in the weights at the start count in S1, S2, C and n.
- In cells, weights between silent units decay too, by the term s^2 - w, which runs without spikes. ``silent="stay"``
  leaves it out, as rules do that act at spikes alone.
- What the paper leaves to its authors' code (threshold, self-connections, learning rates) is told by the sources of
  parameters. Two quirks of that code are not followed: a unit that is always silent, and half states at ties.
"""

from brian2 import Hz, ms

from brainmem import (
    Choice,
    Each,
    LearningRule,
    Limit,
    MemoryModel,
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
    Parameter("z_min", 0.0, meaning="smaller changes are not made", source="Eq. 17"),
    Parameter("Theta", 0.0916, meaning="threshold of importances", source="reconstruction"),
    Parameter("c", 0.0058, meaning="importances c/(c + ...); per coincidence in count", source="reconstruction"),
    Parameter("n0", 20.0, meaning="patterns that anneal adds to those learned", source="reconstruction"),
    Parameter("top", 0.05, meaning="fraction of synapses that fisher_top holds", source="authors' code"),
    Parameter("theta", 1.0, meaning="threshold of the units", source="authors' code"),
    Parameter("moved", 0, meaning="active units of a cue that are moved to silent ones", source="reconstruction"),
    Parameter("foils", 20, meaning="patterns tested that were never stored", source="ours"),
    Parameter("tested", (1, 3, 10, 20, 30, 60, 90), meaning="patterns learned, up to a test"),
    Parameter("presentations", 5000, meaning="epochs of one new pattern", source="paper"),
    Parameter("steps", 10, meaning="steps of recall", source="paper"),
    Parameter("beat", 1 * ms, meaning="one epoch of learning, or step of recall", source="ours"),
    Parameter("tau", "beat", meaning="time constant of the units; one beat in the rate variant", source="ours"),
    Parameter("T_learn", "epochs*beat", meaning="duration of a presentation", source="paper"),
    Parameter("T_cue", "beat", meaning="time for which a cue is imposed", source="ours"),
    Parameter("T_recall", "steps*beat", meaning="duration of recall", source="paper"),
    Parameter("T_read", "beat", meaning="its last part, which is scored", source="paper"),
    Parameter("tau_q", "20*T_learn", meaning="time constant of the estimate of coincidences", source="reconstruction"),
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
        "fisher_top": "int((F <= quantile(F_apart, 1 - top)) or (i == j))",
        "anti": "1 - exp(-a*abs(w))",
        "shuffled_exponential": "shuffle(exp(-a*abs(w)))",
        "shuffled_threshold": "shuffle(int(w <= Theta))",
    },
    default="exponential",
    meaning="what the rate of learning of a synapse is multiplied by",
    source="paper, authors' code and ours: see above",
)
silent = Choice(
    "silent",
    {"decay": "1", "stay": "0"},
    meaning="whether weights between silent units decay",
    source="decay: paper; stay: ours, as rules that act at spikes alone",
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
    },
    meaning="which units answer to their fields h: those above theta, or the K most driven",
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
    z_both = (1 - s)**2 - w : 1                      # d_i d_j - w where both units are active,
    z_one = -s*(1 - s) - w : 1                       # one of them,
    z_none = s**2 - w : 1                            # and neither
    both = z_both*int(abs(z_both) > z_min) : 1
    one = z_one*int(abs(z_one) > z_min) : 1
    none = silent*z_none*int(abs(z_none) > z_min) : 1
    z = x_pre*x_post*both + (x_pre + x_post - 2*x_pre*x_post)*one + (1 - x_pre)*(1 - x_post)*none : 1
    F = S2/n_post - (S1/n_post)**2 : 1
    F_apart = F*int(i != j) : 1
    F_local = s**2*(1 - s)**2 + (1 - 2*s)**2*w - w**2 : 1
    dw/dt = (eta/beat)*importance*(1 - (1 - diagonal)*int(i == j))*z : 1
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
    "learning": Protocol((show, learn), (Each(("show", "learn"), items="P"),)),
    "recall": Protocol(
        (begin, recall, begin_foil, recall_foil),
        (Each(("begin", "recall"), items="P"), Each(("begin_foil", "recall_foil"), items="foils")),
    ),
}

model = MemoryModel(
    "deistler2018",
    parameters=parameters,
    choices=(importance, silent, diagonal, fire),
    populations=(units,),
    projections=(recurrent,),
    rules=(learning, counting),
    stimuli=(old, pattern, foil, cue),
    protocols=protocols,
    limits=(
        Limit("0 < s and s < 1", "s is a fraction of the units"),
        Limit("K >= 1 and K < M", "a pattern needs active and silent units; raise s or M"),
        Limit(
            "moved <= K and moved <= M - K", "no more active units can move than there are, or silent ones to take them"
        ),
        Limit("n_old >= 1", "the weights at the start are a mean over patterns; give others as weights= of a run"),
        Limit("a >= 0 and c > 0 and n0 >= 0", "importances lie between 0 and 1"),
    ),
    recalled=Recalled(phase="recall", target="pattern", score="dice", threshold=0.9),
    reference=reference,
    rate_dt="beat",
    spiking={
        "spike_dt": 1 * ms,
        "rate_max": 95 * Hz,
        "t_ref": 8 * ms,
        "sigma_v": 0.15,
        "beat": 60 * ms,
        "tau": 20 * ms,
        "T_cue": 200 * ms,
        "T_recall": 300 * ms,
        "T_read": 100 * ms,
    },
    description=__doc__,
)

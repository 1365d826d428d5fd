"""Learning and unlearning in one rule: classification, memory and generation (Ventura 2024).

E. Ventura, "Learning and Unlearning: Bridging classification, memory and generative modeling in Recurrent Neural
Networks", arXiv:2410.05886 (2024). Hebbian unlearning is that of J. J. Hopfield, D. I. Feinstein, R. G. Palmer, Nature
304, 158 (1983).

N units of +1 or -1 with symmetric couplings remember P patterns. Couplings grow with the correlations of states that
the data impose (*plus*), and shrink with those of states that the network makes by itself (*minus*):

    J_ij <- J_ij + (l_plus/N) <S_i S_j>_plus - (l_minus/N) <S_i S_j>_minus,      i != j

Every algorithm is a protocol of this one rule. They differ in when each part acts, and in the temperature and the first
state of the network's own states, the *dreams*:

=============  =======================  ========================  =================================================
protocol       plus                     minus                     schedule
=============  =======================  ========================  =================================================
hebb           every pattern once                                 then tests of recall
unlearning     every pattern once       fixed points, from noise  two epochs; stabilities between blocks of dreams
daydreaming    a random pattern         fixed points, from noise  a pattern and a dream in turn, after Hebb's rule
boltzmann      a random pattern         samples at temperature 1  a pattern and a sample in turn
divergence     a random pattern         a few sweeps from it      the same (contrastive divergence)
two_phase      all, amplitude A         samples at temperature 1  two epochs
regularised    a random pattern         samples at 1 and at 1/b   as boltzmann, with a third state
=============  =======================  ========================  =================================================

Perceptrons learn from the units whose field is wrong, or too small, where a pattern or a noisy copy of it is imposed:
``perceptron`` (all patterns at once, with a margin), ``noise`` (independent noise) and ``fixed_points`` (the noise is
that of fixed points; without a trace of the pattern in them this is unlearning). ``warm_unlearning`` takes samples at a
temperature for dreams; ``recall`` tests given couplings.

In the rate variant, which is the paper's own network, a time step is a sweep: every unit is visited once, in a random
order, and takes the sign of its field. The spiking variant is made from the same text: +1 is firing at the highest
rate, -1 is silence, and the field is divided by the norm of the couplings, which no sign depends on.

Departures
----------
- The paper gives no values that could be read here: parameters come from a numerical reconstruction, and so do all
  numbers that the claims are held against. Not known are its equations as printed, N, seeds, the parameters of figures,
  whether its critical load is read from mean curves or from single networks, amplitude, temperature and stop of
  generative two-phase learning, the penalty of the regularised machine, what noise it calls good, norm and epochs of
  Daydreaming, and the capacity of the symmetric perceptron (about 1.28).
- A tie keeps the state; ties are fields below `tie`.
- Boltzmann machines learn here from single samples; their exact gradients are in ``reference.py``.
- The penalty of ``regularised`` is ours.
- A dream of cells lasts 0.7 s and ends by time, not at a fixed point.
"""

from brian2 import Hz, ms, second

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
    authors="E. Ventura",
    title="Learning and Unlearning: Bridging classification, memory and generative modeling in "
    "Recurrent Neural Networks",
    journal="arXiv:2410.05886",
    year=2024,
    arxiv="2410.05886",
)

parameters = (
    Parameter("N", 200, meaning="number of units", source="reconstruction"),
    Parameter("alpha", 0.3, meaning="load, patterns per unit", source="reconstruction"),
    Parameter("P", "round(alpha*N)", meaning="number of patterns", source="paper"),
    Parameter("eps", 0.01, meaning="strength of unlearning, of a dream", source="reconstruction"),
    Parameter("x_max", 0.4, meaning="unlearning in all, eps/N per dream", source="reconstruction"),
    Parameter("dx", 0.005, meaning="unlearning between looks at the stabilities", source="reconstruction"),
    Parameter("blocks", "round(x_max/dx)", meaning="blocks of dreams", source="ours"),
    Parameter("dreams", "round(dx*N/abs(eps))", meaning="dreams in a block", source="ours"),
    Parameter("steps", "round(P*tau_plus)", meaning="patterns drawn in a part of interleaved learning", source="ours"),
    Parameter("parts", 1, meaning="parts of interleaved or noisy learning, recorded one by one", source="ours"),
    Parameter("tau_plus", 64.0, meaning="patterns and dreams weigh 1/tau_plus", source="reconstruction"),
    Parameter("lam", 0.02, meaning="learning rate of perceptrons and Boltzmann machines", source="reconstruction"),
    Parameter("kappa", 1.0, meaning="margin of the perceptron", source="reconstruction"),
    Parameter("k", 1, meaning="sweeps from a pattern, before that in which the sample counts", source="reconstruction"),
    Parameter("rounds", 3000, meaning="most rounds of the perceptron", source="ours"),
    Parameter("m_t", 0.5, meaning="overlap of noisy copies with their pattern", source="reconstruction"),
    Parameter("copies", 100_000, meaning="noisy copies shown at each of two learning rates", source="reconstruction"),
    Parameter("lam_coarse", 1.0, meaning="the first of these rates", source="reconstruction"),
    Parameter("lam_fine", 0.1, meaning="the second", source="reconstruction"),
    Parameter("A", 1.0, meaning="amplitude of two-phase learning", source="reconstruction"),
    Parameter("u", 0.4, meaning="unlearning in all in two-phase learning", source="reconstruction"),
    Parameter("samples", "round(u/eta)", meaning="samples of two-phase learning", source="ours"),
    Parameter("eta", 0.01, meaning="strength of a sample in two-phase learning", source="reconstruction"),
    Parameter("sweeps", 100, meaning="sweeps of a sample", source="reconstruction"),
    Parameter("temperature", 1.0, meaning="temperature of samples", source="reconstruction"),
    Parameter("g", 0.1, meaning="weight of the penalty", source="ours"),
    Parameter("b", 1.1, meaning="inverse temperature of its samples", source="ours"),
    Parameter("m_0", 0.8, meaning="overlap of damaged patterns with the pattern", source="reconstruction"),
    Parameter("damaged", "round(N*(1 - m_0)/2)", meaning="units turned over in them", source="reconstruction"),
    Parameter("cues", 1, meaning="damaged copies of a pattern", source="ours"),
    Parameter("test_blocks", (), meaning="blocks of dreams that follow a test of recall", source="ours"),
    Parameter("tie", 1e-12, meaning="smaller fields keep the state", source="reconstruction"),
    Parameter("sweep", 1 * second, meaning="one unit of model time: every unit is visited once", source="ours"),
    Parameter("longest", "1000*sweep", meaning="longest relaxation", source="ours"),
    Parameter("T_wake", "sweep", meaning="plastic time of a state imposed", source="ours"),
    Parameter("T_sleep", "sweep", meaning="plastic time of a dream", source="ours"),
    Parameter("T_show", "sweep", meaning="time for which a pattern is imposed before", source="ours"),
    Parameter("T_kick", "sweep", meaning="time for which a random or damaged state is imposed", source="ours"),
    Parameter("T_free", "longest", meaning="longest free time of a dream", source="ours"),
    Parameter("T_recall", "60*sweep", meaning="duration of a test of recall", source="ours"),
    Parameter("T_read", "sweep", meaning="its last part, which is scored", source="ours"),
    Parameter("tau", 50 * ms, meaning="time constant of traces", source="ours"),
    Parameter("gain", 8.0, meaning="gain of the cells", source="ours"),
)

units = Population(
    "units",
    """
    h : 1                                    # field, sum_j J_ij x_j
    norm2 : 1                                # squared norm of the couplings onto a unit
    cue : 1                                  # the state that is imposed
    drive = free*h/sqrt(norm2 + tie) + clamp*cue : 1
    phi = tanh(gain*drive) : 1
    dx/dt = (phi - x)/tau : 1
    delta = x*h/sqrt(norm2 + tie) : 1        # stability where a pattern is imposed
    weak = int(delta < kappa) : 1            # whether it lacks the margin
    missed : 1                               # how many patterns of a round lacked it
    wrong = 0.5*(memory - sign(h)) : 1       # the pattern where the field has the other sign, else 0
    """,
    rate="x",
    drive="drive",
    transfer="phi",
    rate_range=(-1, 1),
    sequential="x = sign(free*h + clamp*cue + tie*x + 0.5*heat*log(1/rand() - 1))",
    values={"x": (-1, 1)},
    initial={"x": "signs()"},
)

couplings = Projection(
    "couplings",
    "units",
    "units",
    current="""
    h_post = w*x_pre : 1 (summed)
    norm2_post = w**2 : 1 (summed)
    """,
    variables="change : 1",
    initial={"w": "zeros()"},
    self_connections=False,
)

dreams = ("dream", "warm_dream", "forget", "unfit", "reduce", "unfit_less", "unfit_colder")
plus_minus = LearningRule(
    "plus_minus",
    "couplings",
    during=("learn", "remind", "fit", "amplify", *dreams),
    continuous="dw/dt = (plus/T_wake - minus/T_sleep)*x_pre*x_post/N_pre : 1",
    equation="dJ_ij = (l_plus/N) <S_i S_j>_plus - (l_minus/N) <S_i S_j>_minus",
)
noisy_perceptron = LearningRule(
    "noisy_perceptron",
    "couplings",
    episodic="w += train*(wrong_post*x_pre + wrong_pre*x_post)/(2*N_pre)",
    at=("noisy", "noisy_fine", "near"),
    equation="dJ_ij = (lam/2N) (e_i xi_i S_j + e_j xi_j S_i), e_i = [1 - sign(xi_i h_i)]/2",
)
margin = LearningRule(
    "margin",
    "couplings",
    episodic="change += lam*(weak_post + weak_pre)*x_pre*x_post/N_pre",
    at=("examine",),
    equation="dJ_ij = (lam/N) sum_mu (e_i + e_j) xi_i xi_j, e_i = [Delta_i < kappa]",
)
correction = LearningRule(
    "correction", "couplings", episodic="w += change\nchange = 0", at=("correct",), equation="its sum over mu"
)

memory = Stimulus("memory", "units", items="P", values=(-1, 1))

observables = (
    Observable("flips", "int(x_change != 0)", population="units", reduce="sum"),
    Observable("stability", "delta", population="units", during=("judge",)),
    Observable("stability_min", "delta", population="units", reduce="min", during=("judge",)),
    Observable("stability_square", "delta**2", population="units", during=("judge",)),
    Observable("training_error", "int(delta < 0)", population="units", during=("judge",)),
    Observable("row_norm", "sqrt(norm2)", population="units", during=("judge",)),
    Observable("lacking", "missed", population="units", reduce="sum", during=("examine",)),
)

# Phases. A state is imposed by `clamp`; with `free` the units follow their fields.
imposed = {"begin": {"units": "x = cue"}, "gates": {"clamp": 1}}
pattern, noise = {"start": {"cue": "memory"}}, {"start": {"cue": "signs()"}}
damage = {"start": {"cue": "memory*(1 - 2*(permutation() < damaged))"}}
corrupt = {"start": {"cue": "memory*(1 - 2*binary((1 - m_t)/2))"}, "stimuli": ("memory",)}
until_still = {"until": "flips < 0.5", "spiking": {"until": ""}}
learning, dreaming = {"duration": "T_wake"}, {"duration": "T_sleep"}
warm, colder = {"free": 1, "heat": "temperature"}, {"free": 1, "heat": "temperature/b"}
sampling = {"duration": "sweeps*sweep", "spiking": None}

show = Phase("show", duration="T_show", **pattern, **imposed)
learn = Phase("learn", **learning, gates={"clamp": 1, "plus": 1})
kick = Phase("kick", duration="T_kick", **noise, **imposed)
relax = Phase("relax", duration="T_free", gates={"free": 1}, **until_still)
dream = Phase("dream", **dreaming, gates={"free": 1, "minus": "eps"})
sample = Phase("sample", **sampling, gates=warm)
warm_dream = Phase("warm_dream", **dreaming, gates={**warm, "minus": "eps"})
judge = Phase("judge", duration="sweep", **pattern, **imposed, spiking=None)
test = Phase("test", duration="T_kick", **damage, **imposed, restore=True)
recall = Phase("recall", duration="T_recall", gates={"free": 1}, average="T_read", restore=True)

# What a state imposed, or one of the network's own, weighs in other algorithms
remind = Phase("remind", **learning, gates={"clamp": 1, "plus": "1/tau_plus"})
forget = Phase("forget", **dreaming, gates={"free": 1, "minus": "1/tau_plus"})
fit = Phase("fit", **learning, gates={"clamp": 1, "plus": "lam*N"})
unfit = Phase("unfit", **dreaming, gates={**warm, "minus": "lam*N"})
amplify = Phase("amplify", **learning, gates={"clamp": 1, "plus": "A*N/P"})
reduce = Phase("reduce", **dreaming, gates={**warm, "minus": "eta*N"})
unfit_less = Phase("unfit_less", **dreaming, gates={**warm, "minus": "lam*N*(1 - g/(b - 1))"})
sample_colder = Phase("sample_colder", **sampling, gates=colder)
unfit_colder = Phase("unfit_colder", **dreaming, gates={**colder, "minus": "lam*N*g/(b - 1)"})
wander = Phase("wander", duration="k*sweep", gates=warm, spiking=None)

# Perceptrons, which cells do not run
imposing = {"duration": "sweep", "begin": {"units": "x = cue"}, "spiking": None}
settling = {"free": 1, "train": "2*eps"}
noisy = Phase("noisy", **imposing, **corrupt, gates={"clamp": 1, "train": "lam_coarse"})
noisy_fine = Phase("noisy_fine", **imposing, **corrupt, gates={"clamp": 1, "train": "lam_fine"})
near = Phase("near", duration="T_free", until="flips < 0.5", stimuli=("memory",), gates=settling, spiking=None)
examine = Phase("examine", **imposing, **pattern, gates={"clamp": 1}, end={"units": "missed = missed + weak"})
correct = Phase("correct", duration="sweep", begin={"units": "missed = 0"}, spiking=None)

wake = Each(("show", "learn"), items="P")
judged = Each("judge", items="P")
tests = {"items": "P", "repeats": "cues"}
drawn = {"items": "P", "order": "drawn", "draws": "steps"}
copied = {"items": "P", "order": "drawn", "draws": "copies"}

protocols = {
    "hebb": Protocol((show, learn, judge, test, recall), (wake, judged, Each(("test", "recall"), **tests))),
    "unlearning": Protocol(
        (show, learn, judge, kick, relax, dream, test, recall),
        (
            wake,
            judged,
            Repeat(
                "blocks",
                (
                    Each(("test", "recall"), **tests, epochs="test_blocks"),
                    Each(("kick", "relax", "dream"), items="dreams"),
                    judged,
                ),
            ),
        ),
    ),
    "warm_unlearning": Protocol(
        (show, learn, judge, kick, sample, warm_dream),
        (wake, judged, Repeat("blocks", (Each(("kick", "sample", "warm_dream"), items="dreams"), judged))),
    ),
    "daydreaming": Protocol(
        (show, learn, remind, kick, relax, forget, judge),
        (wake, judged, Repeat("parts", (Each(("show", "remind", "kick", "relax", "forget"), **drawn), judged))),
    ),
    "perceptron": Protocol(
        (show, learn, correct, examine, judge),
        (
            wake,
            Repeat("rounds", (Each("correct"), Each("examine", items="P")), until="lacking < 0.5"),
            judged,
        ),
    ),
    "noise": Protocol(
        (show, learn, noisy, noisy_fine, judge),
        (wake, Each("noisy", **copied), judged, Each("noisy_fine", **copied), judged),
    ),
    "fixed_points": Protocol(
        (show, learn, kick, near, judge),
        (wake, judged, Repeat("blocks", (Each(("kick", "near"), items="P", order="drawn", draws="dreams"), judged))),
    ),
    "boltzmann": Protocol(
        (show, fit, kick, sample, unfit),
        (Repeat("parts", (Each(("show", "fit", "kick", "sample", "unfit"), **drawn),)),),
    ),
    "divergence": Protocol(
        (show, fit, wander, unfit),
        (Repeat("parts", (Each(("show", "fit", "wander", "unfit"), **drawn),)),),
    ),
    "two_phase": Protocol(
        (show, amplify, kick, sample, reduce),
        (Each(("show", "amplify"), items="P"), Repeat("parts", (Each(("kick", "sample", "reduce"), items="samples"),))),
    ),
    "regularised": Protocol(
        (show, fit, kick, sample, unfit_less, sample_colder, unfit_colder),
        (
            Repeat(
                "parts",
                (Each(("show", "fit", "kick", "sample", "unfit_less", "sample_colder", "unfit_colder"), **drawn),),
            ),
        ),
    ),
    "recall": Protocol((test, recall), (Each(("test", "recall"), **tests),)),
}

model = MemoryModel(
    "ventura2024",
    parameters=parameters,
    populations=(units,),
    projections=(couplings,),
    rules=(plus_minus, noisy_perceptron, margin, correction),
    stimuli=(memory,),
    observables=observables,
    protocols=protocols,
    recalled=Recalled(phase="recall", target="memory", score="overlap", threshold=0.95),
    limits=(
        Limit("alpha > 0", "a load below that means no pattern"),
        Limit("P >= 1", "there must be a pattern to learn; raise alpha or N"),
        Limit("temperature >= 0", "temperatures are not negative"),
        Limit("b > 1", "the penalty compares samples at temperature 1 with colder ones"),
        Limit("abs(m_0) <= 1", "an overlap lies between -1 and 1"),
        Limit("abs(m_t) <= 1", "an overlap lies between -1 and 1"),
        Limit("damaged >= 0", "a number of units is not negative"),
        Limit("damaged <= N", "no more units than there are can be turned over"),
    ),
    reference=reference,
    rate_dt="sweep",
    time_unit="sweep",
    spiking={
        "spike_dt": 1 * ms,
        "cells_per_unit": 1,
        "rate_max": 95 * Hz,
        "t_ref": 8 * ms,
        "sigma_v": 0.15,
        "T_wake": 0.5 * second,
        "T_sleep": 0.2 * second,
        "T_show": 0.3 * second,
        "T_kick": 0.15 * second,
        "T_free": 0.35 * second,
        "T_recall": 0.55 * second,
        "T_read": 0.2 * second,
    },
    description=__doc__,
)

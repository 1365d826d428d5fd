"""What dynamics and rules read of spiking units is right in the mean; what is only reported is what the cells did.

Every case is a text that squares a noisy rate, or worse. Its mean in the spiking variant is held against the rate
variant at the same drives, for Poisson and for LIF cells, and against what a substitution of the trace would give.
"""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from brian2 import Hz, ms, second

from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Spiking,
    Stimulus,
    simulate,
    translate,
)
from brainmem.translation.products import Noisy, mean_text

N, TAU, SLOW = 120, 0.02, 0.5
DRIVES = "0.3 + 0.4*unit/N"
NEURONS = {"poisson": 0.01, "lif": 0.02}  # and how far calibrated rates may be off
BOTH = pytest.mark.parametrize("neuron", ["poisson", pytest.param("lif", marks=pytest.mark.full)])

STATES = {
    "square": "x**2",
    "cube": "x**3",
    "shifted": "(x - 0.4)**2",
    "product": "x*(x - a)",
    "slow square": "a**2",
    "root": "sqrt(x + 0.05)",
    "saturating": "x/(0.2 + x)",
    "logarithm": "log(0.1 + x)",
    "threshold": "int(x > 0.5)",
    "named": "(p + q)*q",
}
FORMS = {
    "rate": ("drive = c : 1\nphi = clip(drive, 0, 1) : 1\ndx/dt = (phi - x)/tau : 1", "drive", "phi"),
    "current": ("dh/dt = (-h + c)/tau : 1\nx = clip(h, 0, 1) : 1", "h", "x"),
}
# Beside the states, as subexpressions and as a state: names behind which a rate hides.
HIDDEN = "p = 2*x : 1\nq = x - 0.1 : 1\nda/dt = (x - a)/tau : 1"


def states_model(read: str = "auto") -> MemoryModel:
    """Return independent units of both forms with a slow variable for each text, all of which a rule reads."""
    slow = "\n".join(f"dm{k}/dt = ({text} - m{k})/slow : 1" for k, text in enumerate(STATES.values()))
    reads = " + ".join(f"m{k}_post" for k in range(len(STATES)))
    units, projections, rules, stimuli = [], [], [], []
    for form, (own, drive, transfer) in FORMS.items():
        text = re.sub(r"\bc\b", f"c_{form}", f"{own}\n{HIDDEN}\n{slow}")
        units.append(Population(f"u_{form}", text, rate="x", drive=drive, transfer=transfer))
        projections.append(Projection(f"s_{form}", f"u_{form}", f"u_{form}", source_units=":1"))
        change = f"dw/dt = 1e-3*({reads})/slow : 1"
        rules.append(LearningRule(f"r_{form}", f"s_{form}", continuous=change, read=read))
        stimuli.append(Stimulus(f"c_{form}", f"u_{form}", items=1, draw=DRIVES))
    shown = tuple(item.name for item in stimuli)
    return MemoryModel(
        "states",
        parameters=(Parameter("N", N), Parameter("tau", TAU * second), Parameter("slow", SLOW * second)),
        populations=tuple(units),
        projections=tuple(projections),
        rules=tuple(rules),
        stimuli=tuple(stimuli),
        protocol=Protocol((Phase("go", duration="12*second", stimuli=shown),), (Each("go", items=1),)),
        rate_dt="1*ms",
    )


def settled(result, name: str) -> np.ndarray:
    """Return the mean of a variable of each unit once slow variables have settled."""
    values = result[name]
    return values.values[values.time.values > 4].mean(axis=0)


@pytest.fixture(scope="module")
def states_of_rates():
    return simulate(states_model(), "rate", record=RECORDED, interval=50 * ms, seed=1)


RECORDED = tuple(f"u_{form}.m{k}" for form in FORMS for k in range(len(STATES)))


@pytest.mark.slow
@BOTH
def test_slow_variables_of_units_follow_the_rate_network_in_the_mean(states_of_rates, neuron):
    spiking = simulate(states_model(), Spiking(neuron=neuron), record=RECORDED, interval=50 * ms, seed=1)
    for form, (k, case) in itertools.product(FORMS, enumerate(STATES)):
        wanted, found = settled(states_of_rates, f"u_{form}_m{k}"), settled(spiking, f"u_{form}_m{k}")
        error = (found - wanted).std(ddof=1) / np.sqrt(N)
        scale = np.abs(wanted).mean()
        if case == "threshold":  # a unit whose drive lies at the threshold itself may fall to either side
            wanted, found = (values[np.abs(np.linspace(0.3, 0.7, N) - 0.5) > 0.02] for values in (wanted, found))
        assert abs((found - wanted).mean()) < 3 * error + NEURONS[neuron] * scale, (form, case)
        assert error < 0.012 * scale + 1e-3, (form, case)


@pytest.mark.full
def test_the_same_texts_as_they_stand_would_be_off():
    """With read="trace" the rule asks for the traces as they are, and nothing is changed: the noise is there."""
    text = states_model(read="trace")
    assert not translate(text, "spiking").changes
    record = tuple(f"u_{form}.m{k}" for form in FORMS for k in (0, 5))
    result = simulate(text, Spiking(neuron="poisson"), record=record, interval=50 * ms, seed=1)
    rates = np.linspace(0.3, 0.7, N)
    variance = rates / (2 * TAU * 100)
    for form in FORMS:
        square, root = settled(result, f"u_{form}_m0"), settled(result, f"u_{form}_m5")
        assert (square - rates**2).mean() == pytest.approx(variance.mean(), rel=0.15), form
        bent = -0.25 * (rates + 0.05) ** -1.5 * variance / 2
        assert (root - np.sqrt(rates + 0.05)).mean() < bent.mean() / 2, form


# Sums, third factors


SIZES = {"few": 2, "many": 40}


def sums_model(*sizes: str) -> MemoryModel:
    """Return units whose cubes are summed by a population of one unit, which feeds a third factor back."""
    own, drive, transfer = FORMS["rate"]
    populations, projections, rules, stimuli = [], [], [], []
    for n in sizes:
        u, pool = f"u_{n}", f"pool_{n}"
        text = re.sub(r"\bc\b", f"c_{n}", f"{own}\nthird : 1")
        feedback = "E : 1\npair : 1\nR = E*pair + E**2 : 1\ndslow_R/dt = (R - slow_R)/slow : 1"
        energy = f"E_post = x_pre**3/{n} : 1 (summed)\npair_post = (x_pre - 0.5)*x_pre/{n} : 1 (summed)"
        populations.append(Population(u, text, size=n, rate="x", drive=drive, transfer=transfer))
        populations.append(Population(pool, feedback, size=1))
        projections.append(Projection(f"up_{n}", u, pool, current=energy))
        projections.append(Projection(f"down_{n}", pool, u, current="third_post = slow_R_pre : 1 (summed)"))
        projections.append(Projection(f"s_{n}", u, u, initial={"w": "zeros()"}))
        rules.append(LearningRule(f"r_{n}", f"s_{n}", continuous="dw/dt = third_post*x_pre*x_post/second : 1"))
        stimuli.append(Stimulus(f"c_{n}", u, items=1, draw=f"0.3 + 0.4*unit/{n}"))
    shown = tuple(item.name for item in stimuli)
    return MemoryModel(
        "sums",
        parameters=(
            *(Parameter(n, SIZES[n]) for n in sizes),
            Parameter("tau", TAU * second),
            Parameter("slow", SLOW * second),
        ),
        populations=tuple(populations),
        projections=tuple(projections),
        rules=tuple(rules),
        stimuli=tuple(stimuli),
        protocol=Protocol((Phase("go", duration="12*second", stimuli=shown),), (Each("go", items=1),)),
        rate_dt="1*ms",
    )


@pytest.mark.slow
@BOTH
def test_sums_of_powers_and_third_factors_made_of_them_follow_the_rate_network(neuron):
    summed = tuple(f"pool_{n}.{name}" for n in SIZES for name in ("E", "pair", "slow_R"))
    options = {"record": (*summed, "weights"), "interval": 20 * ms}
    rate = simulate(sums_model(*SIZES), "rate", **options)
    runs = [simulate(sums_model(*SIZES), Spiking(neuron=neuron), seed=seed, **options) for seed in range(6)]
    for label in (name.replace(".", "_") for name in summed):
        wanted = settled(rate, label)[0]
        found = np.array([settled(run, label)[0] for run in runs])
        error = found.std(ddof=1) / np.sqrt(len(found))
        scale = max(abs(wanted), 0.1)
        assert abs(found.mean() - wanted) < 3 * error + 2 * NEURONS[neuron] * scale, label
        assert error < 0.05 * scale, label
    for name in (f"s_{n}_w" for n in SIZES):
        w = np.array([run[name].values[-1].sum() for run in runs]) / rate[name].values[-1].sum()
        assert w.mean() == pytest.approx(1, abs=3 * w.std(ddof=1) / np.sqrt(6) + 4 * NEURONS[neuron]), name


@pytest.mark.full
def test_a_sum_of_cubes_as_it_stands_would_gain_three_times_the_variance():
    """What nothing but a recording reads stays what the cells did."""
    own = FORMS["rate"][0].replace("= c ", "= c_many ")
    text = sums_model("many").replace(projections=sums_model("many").projections[:1], rules=(), populations=(
        Population("u_many", own, size="many", rate="x", drive="drive", transfer="phi"),
        Population("pool_many", "E : 1\npair : 1", size=1)))  # fmt: skip
    assert not translate(text, "spiking").changes
    result = simulate(text, Spiking(neuron="poisson"), record=("E",), interval=20 * ms)
    rates = 0.3 + 0.4 * np.arange(40) / 40
    gained = np.mean(3 * rates * rates / (2 * TAU * 100))
    assert settled(result, "E")[0] - np.mean(rates**3) == pytest.approx(gained, rel=0.5)
    assert gained > 0.3 * np.mean(rates**3)


# Rules


def oja(*cases: tuple[str, str, dict]) -> MemoryModel:
    """Return twenty inputs onto twenty units with constant drives; each w stays near 1/2 and its drift is measured."""
    own, drive, transfer = FORMS["rate"]
    inputs = Population("ins", own, size="n", rate="x", drive=drive, transfer=transfer)
    read = "\n".join(lines for _, lines, _ in cases)
    outputs = Population(
        "outs",
        f"drive_y = d : 1\nphi_y = clip(drive_y, 0, 1) : 1\ndy/dt = (phi_y - y)/tau : 1\n{read}",
        size="n",
        rate="y",
        drive="drive_y",
        transfer="phi_y",
    )
    names = [f"f{k}" for k in range(len(cases))]
    forms = [{"kind": "continuous"} | form for _, _, form in cases]
    return MemoryModel(
        "oja",
        parameters=(Parameter("n", 20), Parameter("tau", TAU * second), Parameter("eta", 1e-4 * Hz)),
        populations=(inputs, outputs),
        projections=tuple(Projection(name, "ins", "outs", initial={"w": "0.5"}) for name in names),
        rules=tuple(
            LearningRule(f"rule_{name}", name, **{form.pop("kind"): text}, **form)
            for name, (text, *_), form in zip(names, cases, forms, strict=True)
        ),
        stimuli=(
            Stimulus("c", "ins", items=1, draw="0.3 + 0.4*unit/n"),
            Stimulus("d", "outs", items=1, draw="0.3 + 0.4*unit/n"),
        ),
        protocol=Protocol((Phase("go", duration="20*second", stimuli=("c", "d")),), (Each("go", items=1),)),
        rate_dt="1*ms",
    )


RULES = {
    "decay in the population": ("dw/dt = eta*(x_pre*y_post - power_post*w) : 1", "power = y**2 : 1", {}),
    "slow decay": ("dw/dt = eta*(x_pre*y_post - mean_post**2*w) : 1", "dmean/dt = (y - mean)/tau : 1", {}),
    "sliding threshold": (
        "dw/dt = eta*x_pre*y_post*(y_post - theta_post) : 1",
        "dtheta/dt = (y**2 - theta)/(10*tau) : 1",
        {},
    ),
    "threshold of a mean": (
        "dw/dt = eta*x_pre*y_post*(y_post - ybar_post**2) : 1",
        "dybar/dt = (y - ybar)/tau : 1",
        {},
    ),
    "third factor of the rate": ("dw/dt = eta*x_pre*gain_post : 1", "gain = y*(1 - y) : 1", {}),
    "third factor, a function": ("dw/dt = eta*x_pre*bent_post : 1", "dbent/dt = (tanh(3*y) - bent)/tau : 1", {}),
    "periodic": ("w += eta*2*ms*(x_pre*y_post - y_post**2*w)", "", {"kind": "periodic", "every": "2*ms"}),
    "periodic, names": (
        "z = y_post - 0.2\nsquare = z*z\nw = w + eta*2*ms*square*x_pre",
        "",
        {"kind": "periodic", "every": "2*ms"},
    ),
    "periodic, a function": ("w += eta*2*ms*sqrt(y_post)*x_pre", "", {"kind": "periodic", "every": "2*ms"}),
}


def drifts(result) -> dict[str, np.ndarray]:
    """Return what each rule changed in its weights."""
    return {case: result[f"f{k}_w"].values[-1] - 0.5 for k, case in enumerate(RULES)}


@pytest.fixture(scope="module")
def drifts_of_rates() -> dict[str, np.ndarray]:
    return drifts(simulate(oja(*RULES.values()), "rate"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("neuron", "plainly"),
    [
        ("poisson", False),
        *(pytest.param(*case, marks=pytest.mark.full) for case in (("poisson", True), ("lif", False))),
    ],
)
def test_rules_drift_as_the_rate_rule_does(drifts_of_rates, neuron, plainly):
    model = oja(*RULES.values())
    found = drifts(simulate(model, Spiking(neuron=neuron), seed=2))
    bias = {}
    for case, rate in drifts_of_rates.items():
        by_unit = (found[case] - rate).mean(axis=1)
        error = by_unit.std(ddof=1) / np.sqrt(20)
        bias[case] = by_unit.mean()
        assert abs(bias[case]) < 3 * error + 3 * NEURONS[neuron] * np.abs(rate).mean(), case
    if plainly:
        plain = drifts(simulate(model, Spiking(neuron=neuron, read="trace"), seed=2))
        off = {case: (plain[case] - rate).mean() for case, rate in drifts_of_rates.items()}
        too_small = [case for case in RULES if abs(off[case]) <= 2 * abs(bias[case])]
        assert not too_small, "reading traces as they are would do as well"


@pytest.mark.parametrize("case", RULES)
def test_a_rule_is_read_from_spikes_as_if_it_stood_alone(case):
    """So that what is measured of all rules in one network holds for each in its own."""
    alone, beside = (translate(oja(*cases), "spiking") for cases in ((RULES[case],), RULES.values()))
    assert said(alone.connection("f0"), "f0") == said(beside.connection(f"f{list(RULES).index(case)}"), "f[0-9]")
    for group in alone.groups:
        assert set(group.equations.splitlines()) <= set(beside.group(group.name).equations.splitlines())


def said(item, name: str) -> list[str]:
    """Return all texts of a connection, without its own name."""
    parts = [(part.name, part.code) for part in (*item.pathways, *item.operations)]
    return [re.sub(name, "f", text) for text in (item.equations, *itertools.chain(*parts))]


@pytest.mark.full
def test_episodic_rules_read_powers_right_too():
    model = oja(("w += eta*10*ms*y_post**2*x_pre", "", {"kind": "episodic", "at": ("go",)}))
    short = model.replace(
        protocol=Protocol((Phase("go", duration="100*ms", stimuli=("c", "d")),), (Each("go", items=1, repeats=400),))
    )
    rate = simulate(short, "rate").f0_w.values[-1] - 0.5
    found = simulate(short, Spiking(neuron="poisson")).f0_w.values[-1] - 0.5
    assert found.mean() == pytest.approx(rate.mean(), rel=0.03)
    plain = simulate(short, Spiking(neuron="poisson", read="trace")).f0_w.values[-1] - 0.5
    assert plain.mean() > 1.3 * rate.mean()


# What is only reported


@pytest.mark.parametrize("form", ["rate", pytest.param("current", marks=pytest.mark.full)])
def test_a_loss_that_nothing_reads_is_what_the_cells_did(form):
    own, drive, transfer = FORMS[form]
    units = Population("u", f"{own}\ndloss/dt = (c - x)**2/second : 1", rate="x", drive=drive, transfer=transfer)
    model = MemoryModel(
        "lossy",
        parameters=(Parameter("N", N), Parameter("tau", TAU * second)),
        populations=(units,),
        stimuli=(Stimulus("c", "u", items=1, draw=DRIVES),),
        observables=(Observable("misfit", "loss", population="u"), Observable("power", "x**2", population="u")),
        protocol=Protocol((Phase("go", duration="4*second", stimuli=("c",)),), (Each("go", items=1),)),
        rate_dt="1*ms",
    )
    assert not translate(model, "spiking").changes
    result = simulate(model, Spiking(neuron="poisson"), seed=3)
    noise = np.mean(np.linspace(0.3, 0.7, N) / (2 * TAU * 100))
    assert result.misfit.values[0] / 4 == pytest.approx(noise, rel=0.15)


@pytest.mark.slow
def test_an_observable_that_ends_a_phase_is_right_in_the_mean():
    own, drive, transfer = FORMS["rate"]
    units = Population("u", own, rate="x", drive=drive, transfer=transfer)
    power, other = Observable("power", "x**2", population="u"), Observable("reported", "x**2", population="u")
    phase = Phase("rise", duration="400*ms", until="power > 0.2", stimuli=("c",), start={"x": "0"})
    model = MemoryModel(
        "ending",
        parameters=(Parameter("N", 400), Parameter("tau", 100 * ms)),
        populations=(units,),
        stimuli=(Stimulus("c", "u", items=1, draw="0.6"),),
        observables=(power, other),
        protocol=Protocol((phase,), (Each("rise", items=1, repeats=20),)),
        rate_dt="1*ms",
    )
    parameters = {"tau": 20 * ms}
    rate = simulate(model, "rate", parameters=parameters)
    spiking = simulate(model, Spiking(neuron="poisson"), parameters=parameters)
    assert spiking.step_duration.values.mean() == pytest.approx(rate.step_duration.values.mean(), rel=0.08)
    assert spiking.reported.values.mean() > 1.3 * spiking.power.values.mean()


# What begins, ends and is put back with the rates


@pytest.mark.parametrize(
    "device", [Device("runtime"), pytest.param(Device("cpp_standalone"), marks=pytest.mark.full)], ids=str
)
def test_expected_rates_and_states_begin_and_are_put_back_with_theirs(device):
    own, drive, transfer = FORMS["rate"]
    lines = f"{own}\nda/dt = (x - a)/(5*tau) : 1\ndm/dt = (a**2 + x**2 - m)/slow : 1"
    units = Population(
        "u", lines, rate="x", drive=drive, transfer=transfer, initial={"x": "uniform(0.2, 0.8)", "a": "uniform(0, 1)"}
    )
    phases = (
        Phase("set", duration="10*ms", stimuli=("c",), start={"x": "uniform(0, 1)", "a": "uniform(0, 1)"}),
        Phase("test", duration="30*ms", start={"x": "0", "a": "uniform(0, 1)"}, restore=True),
        Phase("on", duration="10*ms", stimuli=("c",)),
    )
    model = MemoryModel(
        "begin",
        parameters=(Parameter("N", 6), Parameter("tau", TAU * second), Parameter("slow", SLOW * second)),
        populations=(units,),
        projections=(Projection("s", "u", "u", source_units=":1"),),
        rules=(LearningRule("r", "s", continuous="dw/dt = m_post*x_pre/slow : 1"),),
        stimuli=(Stimulus("c", "u", items=1, draw=DRIVES),),
        protocol=Protocol(phases, tuple(Each(phase.name, items=1) for phase in (*phases[:2], phases[2]))),
        rate_dt="0.5*ms",
    )
    names = ("x", "x_expected", "a", "a_expected")
    rate = simulate(model, "rate", device=device, record=("x", "a"), interval=0.5 * ms)
    many = {"cells_per_unit": 2000}
    result = simulate(model, Spiking(neuron="poisson"), device=device, record=names, interval=0.5 * ms, parameters=many)
    for name in ("x", "a"):
        assert result[f"{name}_expected"].values == pytest.approx(rate[name].values, abs=1e-9)
        assert result[name].values == pytest.approx(rate[name].values, abs=0.05)


# Text


NOISY = Noisy({"y": frozenset({"y"}), "th": frozenset({"y"}), "u": frozenset({"u"})}, lambda name: f"E_{name}")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2*y + u", "2*y + u"),
        ("y*u", "y*u"),
        ("y**2", "y * E_y"),
        ("y**3/3 - h*y - y*u/2", "y * E_y ** 2 / 3 - h * y - y * u / 2"),
        ("(y - a)**2", "(y - a) * (E_y - a)"),
        ("y*(y - th)", "y * (E_y - E_th)"),
        ("-(y*y)", "-(y * E_y)"),
        ("u*y*u", "u * y * E_u"),
        ("tanh(y)", "tanh(E_y)"),
        ("y/(1 + y)", "y / (1 + E_y)"),
        ("y*tanh(y)*u", "y * tanh(E_y) * u"),
        ("y**0.5", "E_y ** 0.5"),
        ("int(y > th)", "int(E_y > E_th)"),
        ("(R - y)**2/T", "(R - y) * (R - E_y) / T"),
    ],
)
def test_one_factor_of_each_noise_stays_and_functions_read_what_is_expected(text, written):
    assert mean_text(text, NOISY) == written


def test_models_whose_texts_are_linear_in_rates_are_left_as_they_are():
    from brainmem import get_model

    for key in ("kurikawa2020", "rajan2016", "rajan2016/choice", "rajan2016/feedback"):
        assert not translate(get_model(key), "spiking").changes

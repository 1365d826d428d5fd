"""A text means the same wherever it stands: whole numbers, random numbers drawn once, comments that are no text."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms, second

from brainmem import (
    Device,
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
    Spiking,
    simulate,
    translate,
)
from brainmem.text import draw, evaluate
from brainmem.text.equations import identifiers
from brainmem.translation.normal import real_numbers

N, A = 4, 3.0
DEVICES = [
    Device("runtime"),
    Device("cpp_standalone"),
    pytest.param(Device("cpp_standalone", kernels="plain"), marks=pytest.mark.full),
    pytest.param(Device("runtime", target="cython"), marks=pytest.mark.cython),
]
# Texts over a real number a, and over the number i of a unit.
WHOLE = (
    "10**-3*a",
    "2**-2*a",
    "1/3*a",
    "7//2/2*a",
    "-7//2*a",
    "-7 % 3*a",
    "100000*100000*a",
    "10**12*a",
    "3000000000*a",
    "20000000000000000000*a",
    "(1 - 3)**-3*a",
    "clip(int(a > 1), 0.25, 0.75)",
    "int(a > 1)/3",
    "(1 + 1)**-1 + a",
    "1e3*a",
)
COUNTED = (
    "i/3",
    "(i + 1)**-1",
    "2**-i",
    "i*100000*100000",
    "i*3000000000",
    "(i + 20000)*(i + 200000)",
    "clip(i, 0.5, 1.5)",
    "i % 3/2",
    "(i - 7)//2",
    "(i - 7) % 3",
    "i**2/3",
    "(i + 1)**0.5",
)


def expected(text: str, i: int = 0) -> float:
    """Return the value of a text in Python's numbers, which are exact where these are whole."""
    functions = {"clip": lambda x, low, high: min(max(x, low), high), "int": int}
    return float(eval(text, {"__builtins__": {}}, {"a": A, "i": i, **functions}))


def everywhere(texts: tuple[str, ...], counted: tuple[str, ...]) -> MemoryModel:
    """Return a model with texts in neurons, currents, observables and all forms of rules, some in neurons only."""
    neurons = "\n".join(f"n{k} = {text} : 1" for k, text in enumerate(texts))
    sums = "\n".join(f"s{k} : 1" for k in range(len(texts)))
    units = Population("units", f"dx/dt = 0*x/ms : 1\n{neurons}\n{sums}", initial={"x": "1"})
    others = Population("others", lines("m{k} = {text} : 1", counted) + "\ndy/dt = 0*y/ms : 1")
    variables = "\n".join(f"{kind}{k} : 1" for kind in ("p", "e") for k in range(len(texts)))
    current = "\n".join(f"s{k}_post = x_pre*({text})/N_pre : 1 (summed)" for k, text in enumerate(texts))
    pairs = Projection("pairs", "units", "units", current=current, variables=variables, self_connections=True)
    rules = (
        LearningRule("steady", "pairs", continuous=lines("dc{k}/dt = ({text})/(2*ms) : 1", texts)),
        LearningRule("regular", "pairs", periodic=lines("p{k} += {text}", texts), every="1*ms"),
        LearningRule("final", "pairs", episodic=lines("e{k} += {text}", texts), at=("go",)),
    )
    observables = tuple(Observable(f"o{k}", text, population="units") for k, text in enumerate(texts))
    return MemoryModel(
        "everywhere",
        parameters=(Parameter("N", N), Parameter("a", A)),
        populations=(units, others),
        projections=(pairs,),
        rules=rules,
        observables=observables,
        protocol=Protocol((Phase("go", duration="2*ms"),), (Each("go", items=1),)),
        rate_dt="1*ms",
    )


def lines(form: str, texts: tuple[str, ...]) -> str:
    return "\n".join(form.format(k=k, text=text) for k, text in enumerate(texts))


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_numbers_mean_the_same_in_every_text_and_on_every_device(device):
    """Whole numbers do, and the number of a unit is a real number in arithmetic."""
    model = everywhere(WHOLE, COUNTED)
    if device.kernels == "plain":  # lists of pairs differ from matrices; neurons and what observes them do not
        model = model.replace(observables=())
    record = [f"{kind}{k}" for kind in "ns" for k in range(len(WHOLE))] + [f"m{k}" for k in range(len(COUNTED))]
    result = simulate(model, device=device, record=(*record, "weights"), interval=1 * ms)
    for k, text in enumerate(WHOLE):
        wanted = expected(text)
        assert float(evaluate(text, {"a": A})) == pytest.approx(wanted, rel=1e-12), text
        for name in (f"n{k}", f"s{k}"):
            assert result[name].values[-1] == pytest.approx(wanted, rel=1e-12), (name, text)
        if model.observables:
            assert result[f"o{k}"].values == pytest.approx(wanted, rel=1e-12), text
        for name, times in ((f"c{k}", 1), (f"p{k}", 2), (f"e{k}", 1)):
            assert result[f"pairs_{name}"].values[-1] == pytest.approx(times * wanted, rel=1e-12), (name, text)
    for k, text in enumerate(COUNTED):
        assert result[f"m{k}"].values[-1] == pytest.approx([expected(text, i) for i in range(N)], rel=1e-12), text


def test_draws_know_negative_powers_of_the_numbers_of_items_and_units():
    drawn = draw("2**-unit + (item + 1)**-1", names=coordinates(2, 3), rng=np.random.default_rng(0), shape=(2, 3))
    assert drawn == pytest.approx(2.0 ** -np.arange(3) + 1 / np.arange(1, 3)[:, None])


def coordinates(items: int, units: int) -> dict[str, np.ndarray]:
    return {"item": np.arange(items)[:, None], "unit": np.arange(units)[None]} | {
        "item": np.broadcast_to(np.arange(items)[:, None], (items, units)),
        "unit": np.broadcast_to(np.arange(units)[None], (items, units)),
    }


@pytest.mark.parametrize(
    "text", ["2*x", "w*x_pre**2", "x/2", "exp(-3*x)", "1.5*x", "int(x > 0)", "(x + 1)/(N_pre - 1.0)"]
)
def test_texts_without_whole_numbers_stay_as_they_are_written(text):
    assert real_numbers(text) is text


def test_a_number_with_an_exponent_names_nothing():
    assert identifiers("1e3*x + 2.e5*y + .5e-2*z1") == {"x", "y", "z1"}


# Random numbers

DRAWN = "z = randn() : 1 (constant over dt)\ndw/dt = (x_pre + z)/ms : 1\ndq/dt = (x_post + z)/ms : 1"


def correlated(variant: str, device: Device | str = "runtime") -> float:
    """Return the correlation of the changes of two variables that read one random number."""
    units = Population(
        "units",
        "drive = 0 : 1\nphi = clip(drive, 0, 1) : 1\ndx/dt = (phi - x)/tau : 1",
        rate="x",
        drive="drive",
        transfer="phi",
    )
    model = MemoryModel(
        "drawn",
        parameters=(Parameter("N", 12), Parameter("tau", 20 * ms)),
        populations=(units,),
        projections=(Projection("pairs", "units", "units", initial={"w": "zeros()", "q": "zeros()"}),),
        rules=(LearningRule("noisy", "pairs", continuous=DRAWN),),
        protocol=Protocol((Phase("go", duration="5*ms"),), (Each("go", items=1),)),
        rate_dt="1*ms",
    )
    result = simulate(model, variant, device=device)
    apart = ~np.eye(12, dtype=bool)
    return float(np.corrcoef(*(result[f"pairs_{name}"].values[-1][apart] for name in "wq"))[0, 1])


@pytest.mark.parametrize("variant", ["rate", Spiking(neuron="poisson")], ids=["rate", "spiking"])
def test_a_random_number_that_two_equations_read_is_drawn_once(variant):
    assert correlated(variant) > 0.95


def test_a_random_number_of_the_units_is_drawn_once_for_two_equations_of_a_rule():
    units = Population(
        "units",
        "drive = 0 : 1\nphi = clip(drive, 0, 1) : 1\ndx/dt = (phi - x)/tau : 1\n"
        "z = (1 + x)*randn() : 1 (constant over dt)",
        rate="x",
        drive="drive",
        transfer="phi",
    )
    rule = LearningRule("noisy", "pairs", continuous="dw/dt = z_post/ms : 1\ndq/dt = z_post/ms : 1")
    model = MemoryModel(
        "drawn",
        parameters=(Parameter("N", 12), Parameter("tau", 20 * ms)),
        populations=(units,),
        projections=(Projection("pairs", "units", "units", initial={"w": "zeros()", "q": "zeros()"}),),
        rules=(rule,),
        protocol=Protocol((Phase("go", duration="5*ms"),), (Each("go", items=1),)),
        rate_dt="1*ms",
    )
    for variant in ("rate", Spiking(neuron="poisson")):
        result = simulate(model, variant, device="runtime")
        assert np.array_equal(result.pairs_w.values[-1], result.pairs_q.values[-1])
        assert np.ptp(result.pairs_w.values[-1], axis=1)[1:].max() == pytest.approx(0, abs=10)


def several_draws() -> MemoryModel:
    """Return units with two random numbers in an equation, a current and the statements of rules."""
    units = Population(
        "units",
        """
        k = rand() - rand() : 1 (constant over dt)
        u : 1
        dx/dt = (k - x)/(1*ms) : 1
        dv/dt = (rand()*rand() - v)/ms : 1
        """,
    )
    pairs = Projection(
        "pairs",
        "units",
        "units",
        current="u_post = (rand() - rand())/N_pre : 1 (summed)",
        variables="p : 1\nlast : 1",
        self_connections=True,
    )
    rules = (
        LearningRule("steady", "pairs", continuous="dc/dt = (rand() - rand() - c)/ms : 1"),
        LearningRule("regular", "pairs", periodic="p = rand() - rand()", every="1*ms"),
        LearningRule("final", "pairs", episodic="last = randn()*rand() - rand()", at=("go",)),
    )
    return MemoryModel(
        "several",
        parameters=(Parameter("N", 40),),
        populations=(units,),
        projections=(pairs,),
        rules=rules,
        protocol=Protocol((Phase("go", duration="3*ms"),), (Each("go", items=1),)),
        rate_dt="1*ms",
    )


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_several_random_numbers_in_one_text_are_independent(device):
    result = simulate(several_draws(), device=device, record=("x", "v", "weights"), interval=1 * ms)
    # rand() - rand() has the variance 1/6; equal numbers would give 0.
    assert np.var(result.x.values) == pytest.approx(1 / 6, rel=0.5)
    assert result.v.values.mean() == pytest.approx(1 / 4, abs=0.07)
    for name in ("c", "p"):
        assert np.var(result[f"pairs_{name}"].values[-1]) == pytest.approx(1 / 6, rel=0.1)
    assert np.var(result.pairs_last.values[-1]) == pytest.approx(1 / 3 + 1 / 12, rel=0.15)


NOISY_SPINS = ("S = sign(h + T*(rand() - 0.5))", "S = 2*int(rand() < 0.5 + 0.5*tanh(h)) - 1 + 0*rand()")


@pytest.mark.parametrize(
    "device", [DEVICES[0], pytest.param(DEVICES[1], marks=pytest.mark.full), *DEVICES[2:]], ids=str
)
def test_visits_may_draw_random_numbers_inside_a_sign_and_several_of_them(device):
    spins, recs = [], []
    for k, text in enumerate(NOISY_SPINS):
        spins.append(Population(f"spins{k}", "h : 1\nS : 1", sequential=text, initial={"S": "signs()"}))
        own = {"current": "h_post = w*S_pre : 1 (summed)", "initial": {"w": "zeros()"}}
        recs.append(Projection(f"rec{k}", f"spins{k}", f"spins{k}", **own))
    model = MemoryModel(
        "noisy",
        parameters=(Parameter("N", 200), Parameter("T", 1.0)),
        populations=tuple(spins),
        projections=tuple(recs),
        protocol=Protocol((Phase("go", duration="20*second"),), (Each("go", items=1),)),
        rate_dt="1*second",
    )
    result = simulate(model, device=device, record=("spins0.S", "spins1.S"), interval=1 * second)
    for states in (result.spins0_S.values, result.spins1_S.values):
        assert set(np.unique(states)) == {-1, 1}
        assert abs(states.mean()) < 4 / np.sqrt(states.size)


# Comments


def commented(comment: str) -> MemoryModel:
    units = Population("units", f"g : 1\ndx/dt = (g - x)/tau : 1   # {comment}")
    pairs = Projection(
        "pairs", "units", "units", current=f"g_post = w*x_pre : 1 (summed)  # {comment}", initial={"w": "1"}
    )
    rule = LearningRule("rule", "pairs", periodic=f"w += 1  # {comment}", every="1*ms")
    return MemoryModel(
        "commented",
        parameters=(Parameter("N", 3), Parameter("tau", 10 * ms)),
        populations=(units,),
        projections=(pairs,),
        rules=(rule,),
        patterns=(Pattern("bump", "units", items=1, draw="normal(0, 1)"),),
        protocol=Protocol(
            (Phase("go", duration="50*ms", start={"x": "bump"}, gates={"shut": 0}),), (Each("go", items=1),)
        ),
    )


@pytest.mark.parametrize("comment", ["decay of the bump", "shut bump_post bump_pre"])
def test_words_in_comments_are_not_read(comment):
    assert str(translate(commented(comment))) == str(translate(commented("decay")))

"""The places of units among those of their population, ``rank(h)`` and ``winners(h, K)``."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from brian2 import Hz, ms

import brainmem
from brainmem import (
    Device,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Stimulus,
    arrays,
    simulate,
    translate,
)
from brainmem.errors import RuleError, TranslationError

NUMPY, STANDALONE = Device("runtime"), Device("cpp_standalone")
DEVICES = [
    NUMPY,
    STANDALONE,
    pytest.param(Device("cpp_standalone", threads=2), marks=pytest.mark.full),
    pytest.param(Device("cpp_standalone", kernels="plain"), marks=pytest.mark.full),
    pytest.param(Device("cpp_standalone", float=32), marks=pytest.mark.full),
    pytest.param(Device("runtime", target="cython"), marks=pytest.mark.cython),
]
PLAIN = Device("runtime", kernels="plain")  # Brian2's sum over pairs, as the translation writes it


def ranks(h: np.ndarray) -> np.ndarray:
    """Return how many come before each of the last axis: of equal values the first."""
    return np.argsort(np.argsort(-h, axis=-1, kind="stable"), axis=-1, kind="stable")


# k-winners-take-all recall

BINARY = "h : 1\nwin = winners(h, K) : 1\ndx/dt = (win - x)/beat : 1"


def recall(equations: str = BINARY, **changes) -> MemoryModel:
    """Return binary units of which the K most driven become 1, all at once."""
    parts = {
        "parameters": (
            *(Parameter("N", 24), Parameter("K", 5), Parameter("M", 2), Parameter("beats", 5)),
            Parameter("beat", 1 * ms),
        ),
        "populations": (Population("units", equations),),
        "projections": (
            Projection(
                "recurrent", "units", "units", current="h_post = w*x_pre : 1 (summed)", initial={"w": "zeros()"}
            ),
        ),
        "patterns": (Pattern("cue", "units", draw="int(ranks(uniform(0, 1)) < K)"),),
        "observables": (Observable("on", "x", population="units", reduce="sum"),),
        "protocol": Phase("recall", duration="beats*beat", start={"x": "cue"}),
        "rate_dt": "beat",
    }
    return MemoryModel("kwta", **(parts | changes))


def stored() -> np.ndarray:
    """Return clipped Hebbian weights of sparse patterns, whole numbers, so that fields are often equal."""
    memories = ranks(np.random.default_rng(0).random((6, 24))) < 5
    return np.minimum(memories.T.astype(int) @ memories, 1) * ~np.eye(24, dtype=bool)


@pytest.mark.parametrize(("device", "trials"), [*((d, 600) for d in (NUMPY, STANDALONE)), (PLAIN, 10)], ids=str)
def test_recall_by_k_winners_is_that_of_numpy_in_every_trial(device, trials):
    w = stored()
    cues = (ranks(np.random.default_rng(1).random((2, trials, 24))) < 5).astype(float)
    options = {"weights": {"recurrent": w}, "inputs": {"cue": cues}, "trials": trials, "seed": 1, "device": device}
    result = simulate(recall(), record=("x", "h", "win"), interval=1 * ms, **options)
    ties = 0
    for item in range(2):
        x = cues[item]
        for beat in range(5):
            h = x @ w.T
            x = (ranks(h) < 5).astype(float)
            fields = np.sort(h, axis=1)[:, ::-1]
            ties += (fields[:, 4] == fields[:, 5]).sum()
            np.testing.assert_array_equal(result.x.transpose("time", "trial", "unit").values[5 * item + beat], x)
        np.testing.assert_array_equal(result.h.transpose("time", "trial", "unit").values[5 * item + 4], x @ w.T)
        win = result.win.transpose("time", "trial", "unit").values[5 * item + 4]  # of the moment of x and h
        np.testing.assert_array_equal(win, ranks(x @ w.T) < 5)
    assert ties > 4 * trials, "hardly any field was equal to another"
    assert (result.on.values == 5).all()


@pytest.mark.parametrize("device", [NUMPY, *DEVICES[2:]], ids=str)
def test_recall_by_k_winners_is_that_of_numpy(device):
    w = stored()
    result = simulate(recall(), weights={"recurrent": w}, seed=2, device=device, record=("x",), interval=1 * ms)
    for item, cue in enumerate(result.cue.values):
        x = cue
        for beat in range(5):
            x = ranks(w @ x) < 5
            np.testing.assert_array_equal(result.x.values[5 * item + beat], x)


# Learning by the unit that wins

COMPETING = """
y : 1
win = winners(y, 1) : 1
place = rank(y) : 1
"""


def competitive() -> MemoryModel:
    """Return outputs of which the one that is driven most moves its weights towards the input."""
    return MemoryModel(
        "competitive",
        parameters=(
            *(Parameter("n_in", 6), Parameter("n_out", 4), Parameter("M", 12)),
            *(Parameter("eta", 20 * Hz), Parameter("T", 3 * ms), Parameter("beat", 1 * ms)),
        ),
        populations=(
            Population("inputs", "x = shown : 1", size="n_in"),
            Population("outputs", COMPETING, size="n_out"),
        ),
        projections=(
            Projection(
                "forward",
                "inputs",
                "outputs",
                current="y_post = w*x_pre : 1 (summed)",
                initial={"w": "normal(0, 1)"},
            ),
        ),
        rules=(LearningRule("move", "forward", continuous="dw/dt = eta*win_post*(x_pre - w) : 1"),),
        stimuli=(Stimulus("shown", "inputs", draw="normal(0, 1)"),),
        observables=(Observable("last", "place*y", population="outputs", reduce="max"),),
        protocol=Phase("show", duration="T", stimuli=("shown",)),
        rate_dt="beat",
    )


@pytest.mark.parametrize("device", [NUMPY, *DEVICES[2:]], ids=str)
def test_the_unit_that_wins_learns(device):
    result = simulate(competitive(), seed=3, device=device, record=("weights",))
    order, w = result.step_item.values, result.forward_w.values[0]
    winners = set()
    for place, item in enumerate(order):
        x = result.shown.values[item]
        for _ in range(3):
            winner = np.argmax(w @ x)
            winners.add(winner)
            w = w + 0.02 * (ranks(w @ x) < 1)[:, None] * (x - w)
        np.testing.assert_allclose(result["last"].values[place], (ranks(w @ x) * (w @ x)).max(), rtol=1e-12)
    np.testing.assert_allclose(result.forward_w.values[-1], w, rtol=1e-12)
    assert len(winners) > 1


# Values that are compared

VALUES = {
    "apart": [3.0, -2.0, 5.0, 1.0],
    "equal": [1.0, 2.0, 1.0, 2.0],
    "equal but for rounding": [0.3, 0.1 + 0.2, 0.3 - 1e-16, 0.2],
    "not equal": [0.3, 0.3 + 2e-9, 0.3 - 2e-9, 0.3],
    "zeros": [0.0, -0.0, 0.0, -1e-12],
    "large": [3e9, 3e9 + 1, -7e12, 3e9],
    "infinite": [-np.inf, np.inf, 1e30, 0.0],
    "nan": [1.0, np.nan, 2.0, 0.0],
}
WANTED = [[1, 3, 0, 2], [2, 0, 3, 1], [0, 1, 2, 3], [1, 0, 3, 2], [0, 1, 2, 3], [1, 0, 3, 2], [3, 0, 1, 2]]


def made() -> MemoryModel:
    """Return four units whose value is a, or that times -log(0), or the logarithm of a negative number."""
    return MemoryModel(
        "made",
        parameters=(Parameter("N", 4), Parameter("M", len(VALUES)), Parameter("K", 2)),
        populations=(
            Population(
                "units",
                """
                h = value + sign(value)*(-log(far)) + sqrt(bad) - 1 : 1
                digit = 10**i : 1
                place : 1
                won : 1
                """,
            ),
        ),
        stimuli=tuple(Stimulus(name, "units", draw="uniform(0, 1)") for name in ("value", "far", "bad")),
        observables=(
            *(Observable("numbered", "rank(h)*digit", population="units", reduce="sum"),),
            Observable("winning", "winners(h, K)*digit", population="units", reduce="sum"),
        ),
        protocol=Phase(
            "show",
            duration="0.1*ms",
            stimuli=("value", "far", "bad"),
            end={"units": "place = rank(h); won = winners(h, K)"},
        ),
        rate_dt="0.1*ms",
    )


@pytest.mark.parametrize("device", [d for d in [*DEVICES, PLAIN] if "float32" not in str(d)], ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_units_come_in_the_order_of_rounded_values_and_of_their_numbers(device):
    """Devices add in other orders: what differs in its last digits must not win for that. A nan leaves no order."""
    given = np.array(list(VALUES.values()))
    inputs = {
        "value": np.where(np.isinf(given), np.sign(given), np.nan_to_num(given)),
        "far": np.where(np.isinf(given), 0.0, 1.0),
        "bad": np.where(np.isnan(given), -1.0, 1.0),
    }
    result = simulate(made(), device=device, inputs=inputs, record=("place", "won"), interval=0.1 * ms)
    rows = result.step_item.values.argsort()
    wanted = np.array([*WANTED, [np.nan] * 4])
    won = np.where(np.isnan(wanted), np.nan, wanted < 2)
    np.testing.assert_array_equal(result.place.values[rows], wanted)
    np.testing.assert_array_equal(result.won.values[rows], won)
    for name, found in (("numbered", wanted), ("winning", won)):
        np.testing.assert_allclose(result[name].values[rows], found @ 10.0 ** np.arange(4), rtol=1e-12)


# What is read, and when

CHOSEN = """
h : 1
first = winners(h + bias, wanted) : 1
next = winners(rank(h), K)*(1 - first) : 1
bias : 1
dx/dt = (first + 0.5*next - x)/beat : 1
"""


def chosen(**changes) -> MemoryModel:
    """Return a network in which an observable says how many win, and a rank is compared in turn."""
    parts = {
        "parameters": (
            *(Parameter("N", 9), Parameter("K", 3), Parameter("M", 2)),
            *(Parameter("beat", 1 * ms), Parameter("beats", 4)),
        ),
        "populations": (Population("units", CHOSEN, initial={"bias": "normal(0, 1)"}),),
        "projections": (
            Projection(
                "recurrent", "units", "units", current="h_post = w*x_pre : 1 (summed)", initial={"w": "normal(0, 1)"}
            ),
        ),
        "patterns": (Pattern("begun", "units", draw="uniform(0, 1)"),),
        "observables": (
            Observable("wanted", "1 + int(x > 0.7)", population="units"),
            Observable("ordered", "rank(x - h)*h", population="units", reduce="sum"),
        ),
        "protocol": Phase("run", duration="beats*beat", start={"x": "begun"}),
        "rate_dt": "beat",
    }
    return MemoryModel("chosen", **(parts | changes))


@pytest.mark.parametrize("device", DEVICES[:2], ids=str)
def test_observables_say_how_many_win_and_ranks_may_be_compared(device):
    result = simulate(chosen(), seed=5, device=device, record=("x", "weights", "bias"), interval=1 * ms)
    bias, w = result.bias.values[0], np.nan_to_num(result.recurrent_w.values[0])
    for item, x in enumerate(result.begun.values):
        for beat in range(4):
            h, wanted = w @ x, np.floor((1 + (x > 0.7)).mean() + 0.5)
            first = ranks(h + bias) < wanted
            x = first + 0.5 * (ranks(ranks(h)) < 3) * (1 - first)
            np.testing.assert_allclose(result.x.values[4 * item + beat], x, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(result.ordered.values[item], (ranks(x - w @ x) * (w @ x)).sum(), rtol=1e-10)


def test_ranks_that_only_ends_read_are_formed_there_alone():
    item = translate(recall(observables=(Observable("top", "rank(x)*x", population="units"),))).connection(
        "units_ranks"
    )
    formed = {line.split("_post")[0] for line in item.stated.splitlines()}
    assert formed == {"rank_2"}  # of h, which the equations read
    assert item.resting == {"rank_1_post"}
    assert {path.sum_ for path in item.pathways} == {"rank_1_post"}


RUN = """
import sys
sys.path.pop(0)  # nothing of brainmem may be importable from here
from brian2 import prefs
prefs.codegen.target = "numpy"
exec(compile(open("script.py").read(), "script.py", "exec"))
assert "brainmem" not in sys.modules
np.savez("out.npz", x=np.array(units.x), ordered=np.array(protocol.ordered))
"""


def test_the_printed_script_runs_in_plain_brian2_and_gets_the_same_numbers(tmp_path):
    np.savez(tmp_path / "arrays.npz", **arrays(chosen(), seed=4))
    text = str(translate(chosen())).replace('(arrays["duration"])', '(arrays["duration"] - arrays["dt"]/2)')
    assert "rank(" not in text
    assert "winners(" not in text
    (tmp_path / "script.py").write_text(text)
    code = f"import sys; sys.path.insert(0, '.'){RUN}"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    out = dict(np.load(tmp_path / "out.npz"))
    result = simulate(chosen(), seed=4, device=NUMPY, record=("x",), interval=1 * ms)
    np.testing.assert_allclose(out["x"], result.x.values[-1], rtol=1e-12)
    np.testing.assert_allclose(out["ordered"], result.ordered.values[-1:], rtol=1e-10)


def test_the_card_and_explain_say_what_is_compared():
    assert "win = winners(h, K)" in str(recall())
    text = brainmem.explain(recall())
    assert "units_ranks, 24 x 24: no synapses; the units are sorted" in text
    assert "floor" not in text


# What is refused

REFUSED = [
    ("h : 1\nv : volt\nwin = winners(v, K) : 1", "'v' has unit V. Divide by a parameter of this unit"),
    ("h : 1\nwin = winners(h) : 1", r"winners takes 2 arguments, got 1: write winners\(h, K\)"),
    ("h : 1\nwin = winners(h, h) : 1", "'h' differs between its units. Read parameters, observables"),
    ("h : 1\nwin = rank(h > 0) : 1", r"true or false and not a number"),
    ("h : 1\nwin = rank(h + randn()) : 1", "another one in each comparison. Draw it once per time step"),
    (
        "h : 1\nwin = rank(h) : 1 (constant over dt)",
        r"before units are compared: take out the flag",
    ),
    ("h : 1\nwin = winners(h, N + 1) : 1", "25 units cannot win, only from 0 to the number of units, 24"),
    ("h : 1\nwin = winners(h, -1) : 1", "-1 units cannot win"),
    ("h : 1\nwin = winners(h, 0.3*K) : 1", r"1.5 units cannot win; round it, as floor\(... \+ 0.5\)"),
    ("h : 1\nwin = winner(h, K) : 1", "unknown function 'winner'. Did you mean 'winners'"),
]


@pytest.mark.parametrize(("equations", "message"), REFUSED, ids=lambda item: item.split("\n")[-1][:30])
def test_what_cannot_be_compared_is_refused(equations, message):
    with pytest.raises(RuleError, match=message):
        recall(f"{equations}\ndx/dt = (win - x)/beat : 1")


def test_a_run_with_too_many_winners_is_refused():
    with pytest.raises(RuleError, match="30 units cannot win, only from 0 to the number of units, 24"):
        simulate(recall(), device=NUMPY, parameters={"K": 30})


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"current": "h_post = w*rank(x_pre) : 1 (summed)"}, r"write 'place = rank\(x_pre\) : 1' in the equations"),
        ({"begin": {"units": "x = winners(x, K)"}}, "at the ends of phases may"),
        ({"end": {"units": "x = 2*x; x = rank(x)"}}, "'x' is set by one above. Move this line up"),
        ({"until": "rank(on) > 3"}, "compares the units of a population"),
    ],
    ids=lambda item: next(iter(item)) if isinstance(item, dict) else "",
)
def test_where_nothing_is_compared_it_is_refused(part, message):
    projection = {"current": "h_post = w*x_pre : 1 (summed)", **{k: v for k, v in part.items() if k == "current"}}
    phase = {name: value for name, value in part.items() if name != "current"}
    with pytest.raises(RuleError, match=message):
        recall().replace(
            Projection("recurrent", "units", "units", initial={"w": "zeros()"}, **projection),
            protocol=Phase("recall", duration="beats*beat", start={"x": "cue"}, **phase),
        )


@pytest.mark.parametrize(
    "equations", ["h : 1\nS : 1\nwin = winners(h, K) : 1", "h : 1\nS : 1\nwin = h*winners(S, 2) : 1"]
)
def test_units_that_are_visited_one_at_a_time_are_not_compared(equations):
    units = Population("units", equations, sequential="S = win")
    current = "h_post = w*S_pre : 1 (summed)"
    with pytest.raises(RuleError, match="updated one at a time, and every visit would have to compare all"):
        recall().replace(
            units,
            Projection("recurrent", "units", "units", current=current, initial={"w": "zeros()"}),
            Observable("on", "S", population="units"),
            protocol=Phase("recall", duration="beats*beat", start={"S": "cue"}),
        )


def test_names_of_ranks_are_kept_from_models():
    with pytest.raises(RuleError, match="the name 'rank_1' is used for the ranks of units"):
        recall(observables=(Observable("rank_1", "x", population="units"),))
    assert recall("h : 1\nrank = 2*h : 1\nwin = h + rank : 1\ndx/dt = (win - K*x)/beat : 1")  # no function of that name


def test_ranks_in_a_circle_of_sums_are_refused():
    current = "h_post = w*win_pre : 1 (summed)"
    circle = recall().replace(Projection("recurrent", "units", "units", current=current, initial={"w": "zeros()"}))
    with pytest.raises(TranslationError, match="depend on each other within one time step"):
        translate(circle)


# Spikes

CELLS = """
h : 1
drive = h : 1
phi = {phi} : 1
dx/dt = (phi - x)/beat : 1
win = winners({compared}, 1) : 1
"""


def cells(phi: str, compared: str, rule: str = "dw/dt = 0.1*Hz*win_post*(x_pre - w) : 1") -> MemoryModel:
    units = Population(
        "units", CELLS.format(phi=phi, compared=compared), rate="x", drive="drive", transfer="phi", rate_range=(0, 1)
    )
    return recall().replace(
        units,
        LearningRule("move", "recurrent", continuous=rule),
        Observable("on", "K*x", population="units"),
        rate_dt="0.1*beat",
    )


def test_in_spikes_rules_read_the_ranks_of_what_is_expected():
    translated = translate(cells("clip(drive, 0, 1)", "x + h"), "spiking")
    assert {item.where: item.after for item in translated.changes}["units: rank_1_key"].startswith(
        "(clip(x_expected + h_expected,"
    )
    assert not translated.deciding


def test_in_spikes_drives_are_compared_with_their_noise_and_rules_read_beside_them_what_is_expected():
    model = cells("winners(drive, K)", "drive")
    translated = translate(model, "spiking")
    lines = {line.split(" = ")[0]: line for line in translated.group("units").equations.splitlines()}
    assert "expected" not in lines["rank_1_key"]
    assert "h_expected" in lines["rank_1_expected_key"]
    assert "win" in lines
    rule = translated.connection("recurrent")
    assert "rank_1_expected_post" in " ".join([rule.equations, *(path.code for path in rule.pathways)])
    assert translated.deciding == (("units", "rank_1"),)
    text = brainmem.explain(model, "spiking", measured=False)
    assert "noise of spikes included, since drives read it" in text


@pytest.mark.full
def test_in_spikes_k_winners_recall_what_they_recall_at_rates():
    model = cells("winners(drive, K)", "drive").replace(without="move")
    w = stored()
    options = {"weights": {"recurrent": w}, "seed": 1, "device": STANDALONE}
    longer = {"beat": 30 * ms, "beats": 20}
    rate = simulate(model, parameters=longer, **options)
    spiking = simulate(model, "spiking", parameters=longer | {"cells_per_unit": 20, "rate_max": 100 * Hz}, **options)
    on = rate.mean_x.values > 0.5
    assert (spiking.mean_x.values[on] > 0.5).mean() > 0.8
    assert (spiking.mean_x.values[~on] < 0.5).mean() > 0.8

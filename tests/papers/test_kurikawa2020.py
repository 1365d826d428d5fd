"""The rate variant of kurikawa2020 against plain numpy, closed forms, and runs that must and must not recall."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Protocol,
    RuleError,
    arrays,
    get_model,
    measure,
    simulate,
)
from tests.support.kurikawa_reference import Network, Record, run_protocol

MODEL = get_model("kurikawa2020")
LEARN, RECALL = MODEL.protocol.phases
TAU = 25 * ms
GAMMA = 0.6
THRESHOLD = 0.85
DEVICES = [
    pytest.param(Device("runtime", target="numpy"), id="numpy"),
    pytest.param(Device("cpp_standalone"), id="cpp_standalone"),
    pytest.param(Device("runtime", target="cython"), id="cython", marks=pytest.mark.cython),
]
ON_EVERY_DEVICE = pytest.mark.parametrize("device", DEVICES)

# Small and fast-learning, so that some learning steps end by their condition and some by their time.
SMALL = {
    "N": 20,
    "M": 3,
    "epochs": 3,
    "test_epochs": (2,),
    "starts": 2,
    "eps": 1 / 20,
    "m_stop": 0.6,
    "T_learn": "40*rate_step",
    "T_recall": "20*rate_step",
    "T_average": "8*rate_step",
}
STEPWISE = SMALL | {"M": 1, "epochs": 20, "test_epochs": (), "T_learn": "rate_step"}  # weights after every time step


def changed_rule(text: str) -> MemoryModel:
    """The model with another text in place of dJ_ij/dt."""
    return MODEL.replace(rules=(replace(MODEL.rules[0], continuous=text),))


def clamped() -> MemoryModel:
    """The model with units that stay where they start."""
    units = MODEL.population("units")
    held = units.equations.replace("(phi - x)/tau", "0*(phi - x)/tau")
    assert held != units.equations
    return MODEL.replace(populations=(replace(units, equations=held),))


def every_step(**given):
    """Run on C++ with the state recorded after each time step."""
    model, variant = given.pop("model", MODEL), "rate"
    return simulate(model, variant, record=("weights", "x"), interval=0.1 * TAU, **given)


def random_state(seed: int, units: int = 20) -> np.ndarray:
    return np.random.default_rng([seed, 2020]).uniform(-1, 1, units)


# The page's equations, step by step


def reference_of(result, x0: np.ndarray, starts) -> Record:
    """The same protocol in numpy, from the run's own numbers."""
    learned = result.step_phase.values == "learn"
    items, epochs = result.step_item.values, result.step_epoch.values
    network = Network(result.recurrent_w.values[0], x0, eps=SMALL["eps"])
    return run_protocol(
        network,
        result.cue.values,
        result.target.values,
        orders=[list(items[learned & (epochs == epoch)]) for epoch in (1, 2, 3)],
        starts={2: list(zip(items[~learned], starts, strict=True))},
        longest=40,
        stop=SMALL["m_stop"],
        recall_steps=20,
        recall_last=8,
    )


@pytest.fixture(scope="module")
def recall_starts() -> np.ndarray:
    """x(0) of the six recall tests of the small runs, in their order."""
    tables = arrays(MODEL, "rate", parameters=SMALL, seed=3)
    rows = tables["table.x_row"].astype(int)
    return tables["table.x_start"][rows[rows > 0]]


@pytest.mark.slow
@ON_EVERY_DEVICE
def test_states_and_weights_follow_the_paper_page_step_by_step(device, recall_starts):
    x0 = random_state(1)
    result = every_step(parameters=SMALL, seed=3, device=device, initial={"units.x": x0})
    expected = reference_of(result, x0, recall_starts)
    assert len(expected.x) > 200
    learned = np.array(expected.durations)[result.step_phase.values == "learn"]
    assert learned.min() < 40 == learned.max()  # both ways in which a learning step ends
    np.testing.assert_allclose(result.step_duration.values / 0.0025, expected.durations, rtol=1e-12)
    np.testing.assert_allclose(result.x.values, expected.x, atol=1e-10)
    np.testing.assert_allclose(result.recurrent_w.values, expected.J, atol=1e-10)
    np.testing.assert_allclose(result.mean_x.values, expected.means, atol=1e-10)


# Closed forms and symmetries


@pytest.fixture(scope="module")
def held_units():
    """Units clamped at x, one map, weights at 21 times; rows of all norms between 0.6 and 1.3."""
    rng = np.random.default_rng(7)
    J = rng.normal(size=(20, 20))
    np.fill_diagonal(J, 0)
    J *= (rng.uniform(0.6, 1.3, 20) / np.linalg.norm(J, axis=1))[:, None]
    x = random_state(2)
    parameters = STEPWISE | {"T_learn": "tau", "rate_step": "0.02*tau", "eps": 0.01, "m_stop": 2.0}
    result = simulate(
        clamped(),
        parameters=parameters,
        seed=4,
        weights={"recurrent": J},
        initial={"units.x": x},
        record=("weights", "x"),
    )
    np.testing.assert_array_equal(result.x.values, np.tile(x, (len(result.time), 1)))
    return result, x


def field_of_held_units(result, x) -> tuple[np.ndarray, np.ndarray]:
    """R_i = |x| without x_i, and the argument of tanh in u_i(t) = R_i tanh(eps d_i R_i t + artanh(u_i(0)/R_i))."""
    time = np.arange(21.0)[:, None]
    reach = np.sqrt(np.sum(x**2) - x**2)
    error = result.target.values[0] - x
    return reach, 0.01 * error * reach * time + np.arctanh(result.recurrent_w.values[0] @ x / reach)


def test_the_field_of_held_units_grows_as_a_hyperbolic_tangent(held_units):
    result, x = held_units
    reach, phase = field_of_held_units(result, x)
    field = result.recurrent_w.values @ x
    assert np.abs(field[-1] - field[0]).max() > 0.8
    np.testing.assert_allclose(field, reach * np.tanh(phase), atol=1e-3)


def test_row_norms_of_held_units_approach_or_leave_one_by_the_integral_of_the_field(held_units):
    result, x = held_units
    _, phase = field_of_held_units(result, x)
    lacking = 1 - measure.row_norms(result.recurrent_w.values) ** 2
    expected = lacking[0] * (np.cosh(phase[0]) / np.cosh(phase)) ** 2
    assert np.abs(lacking[-1] - lacking[0]).max() > 0.2
    np.testing.assert_allclose(lacking, expected, atol=1e-3)


def test_a_unit_at_its_target_keeps_its_weights_and_the_others_change_theirs():
    targets = np.random.default_rng(5).choice([-1.0, 1.0], (1, 20))
    x = np.where(np.arange(20) < 10, targets[0], random_state(3))
    parameters = STEPWISE | {"T_learn": "tau", "rate_step": "0.02*tau", "m_stop": 2.0}
    result = simulate(
        clamped(), parameters=parameters, inputs={"target": targets}, initial={"units.x": x}, record=("weights", "x")
    )
    first, last = result.recurrent_w.values[[0, -1]]
    np.testing.assert_array_equal(last[:10], first[:10])
    assert (np.abs(last - first).max(axis=1) > 1e-3).tolist() == [False] * 10 + [True] * 10


def test_row_increments_lie_in_the_span_of_the_state_and_the_row():
    x0 = random_state(4)
    result = every_step(parameters=STEPWISE, initial={"units.x": x0})
    states = np.vstack([x0, result.x.values])
    for before, after, x in zip(result.recurrent_w.values, result.recurrent_w.values[1:], states, strict=False):
        for unit, increment in enumerate(after - before):
            plane = np.stack([np.where(np.arange(20) == unit, 0, x), before[unit]], axis=1)
            coefficients = np.linalg.lstsq(plane, increment, rcond=None)[0]
            np.testing.assert_allclose(plane @ coefficients, increment, atol=1e-15)
            assert abs(coefficients[0]) > 1e-6


def test_turning_all_signs_of_states_cues_and_targets_leaves_the_weights_as_they_are():
    x0 = random_state(5)
    one = every_step(parameters=SMALL, seed=3, initial={"units.x": x0})
    inputs = {"cue": -one.cue.values, "target": -one.target.values}
    other = every_step(parameters=SMALL, seed=3, initial={"units.x": -x0}, inputs=inputs)
    learned = one.step_phase.values == "learn"
    np.testing.assert_allclose(other.recurrent_w.values, one.recurrent_w.values, rtol=0, atol=1e-14)
    np.testing.assert_allclose(other.mean_x.values[learned], -one.mean_x.values[learned], rtol=0, atol=1e-13)


# What must recall and what must not: M=20 maps in N=100 units, five epochs

FIVE_EPOCHS = {"N": 100, "M": 20, "epochs": 5, "test_epochs": (1, 5), "starts": 1}
PROBES = {"N": 100, "M": 20, "starts": 2}


def recalled(result, epoch: int) -> float:
    return float(measure.recall_table(result, threshold=THRESHOLD)["recalled"].sel(epoch=epoch))


def only_recall() -> MemoryModel:
    """The model whose protocol tests the weights it is given."""
    return MODEL.replace(protocol=Protocol((LEARN, RECALL), (Each("recall", items="M", repeats="starts"),)))


def probe(weights: np.ndarray, like, **parameters):
    """Test recall of the maps of another run with given weights."""
    inputs = {"cue": like.cue.values, "target": like.target.values}
    given = PROBES | parameters
    return simulate(only_recall(), parameters=given, seed=11, inputs=inputs, weights={"recurrent": weights}, record=())


@pytest.fixture(scope="module")
def trained():
    return simulate(MODEL, parameters=FIVE_EPOCHS, seed=0)


@pytest.mark.slow
def test_maps_are_recalled_after_five_epochs_and_not_after_one(trained):
    assert recalled(trained, 1) <= 0.15
    assert recalled(trained, 5) >= 0.8


def test_learning_keeps_row_norms_at_one_and_no_unit_gets_a_self_connection(trained):
    np.testing.assert_allclose(measure.row_norms(trained.recurrent_w.values), 1, atol=5e-3)
    assert not np.diagonal(trained.recurrent_w.values, axis1=1, axis2=2).any()


def test_learning_decorrelates_the_memories(trained):
    index = [
        measure.decorrelation_index(w, trained.target.values, trained.cue.values)
        for w in trained.recurrent_w.values[1:]
    ]
    np.testing.assert_allclose([index[0], index[1], index[4]], [0.29, 0.21, 0.17], atol=0.04)


def normalised(model: MemoryModel = MODEL) -> MemoryModel:
    """The model whose rows are scaled to norm 1 after every time step, as well."""
    units, recurrent = model.population("units"), model.projection("recurrent")
    return model.replace(
        populations=(replace(units, equations=units.equations + "\nq : 1"),),
        projections=(replace(recurrent, current=recurrent.current + "\nq_post = w**2 : 1 (summed)"),),
        rules=(*model.rules, LearningRule("scale", "recurrent", periodic="w = w/sqrt(q_post)", every="rate_step")),
    )


def clamped_presynaptic_factor() -> MemoryModel:
    # Rows are scaled because u_i no longer belongs to the clamped x_j: the text alone diverges.
    return normalised(changed_rule("dw/dt = plastic*(eps/tau)*(target_post - x_post)*(target_pre - u_post*w) : 1"))


def no_rate_in_the_error() -> MemoryModel:
    return changed_rule("dw/dt = plastic*(eps/tau)*target_post*(x_pre - u_post*w) : 1")


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [clamped_presynaptic_factor, pytest.param(no_rate_in_the_error, marks=pytest.mark.full)]
)
def test_a_broken_rule_recalls_nothing(model):
    result = simulate(model(), parameters=FIVE_EPOCHS, seed=0)
    np.testing.assert_allclose(measure.row_norms(result.recurrent_w.values), 1, atol=5e-3)
    assert recalled(result, 5) <= 0.05


def with_self_connections() -> MemoryModel:
    return MODEL.replace(projections=(replace(MODEL.projection("recurrent"), self_connections=True),))


def gaussian(rng) -> np.ndarray:
    return rng.normal(0, 0.1, (100, 100))


def binary(rng) -> np.ndarray:
    return rng.choice([-0.1, 0.1], (100, 100))


HARMLESS = {
    "rows normalised explicitly": {"model": normalised},
    "self-connections": {"model": with_self_connections},
    "Gaussian initial weights of any norm": {"draw": gaussian},
    "binary initial weights": {"draw": binary},
    "half the time step": {"rate_step": "0.05*tau"},
    "twice the time step": {"rate_step": "0.2*tau"},
}


FURTHER = (
    "rows normalised explicitly",
    "self-connections",
    "half the time step",
)  # each a program of its own, as those that stay
CHANGES = [
    pytest.param(change, id=name, marks=pytest.mark.full if name in FURTHER else ())
    for name, change in HARMLESS.items()
]


@pytest.mark.parametrize("change", CHANGES)
def test_recall_does_not_depend_on(change):
    model = change.get("model", lambda: MODEL)()
    weights = {"recurrent": change["draw"](np.random.default_rng(9))} if "draw" in change else {}
    parameters = FIVE_EPOCHS | {name: change[name] for name in ("rate_step",) if name in change}
    result = simulate(model, parameters=parameters, seed=0, weights=weights)
    assert recalled(result, 1) <= 0.15
    assert recalled(result, 5) >= 0.8


@pytest.mark.slow
def test_the_designed_hebbian_memory_fails_where_the_pseudo_inverse_recalls_all(trained):
    targets, cues = trained.target.values, trained.cue.values
    assert recalled(probe(measure.designed_hebb(targets, cues), trained), 1) <= 0.05
    inverse = measure.designed_pseudo_inverse(targets, cues, gamma=GAMMA)
    assert recalled(probe(inverse, trained), 1) == 1.0


def test_untrained_weights_recall_nothing_from_starts_that_know_nothing_of_the_targets(trained):
    assert recalled(probe(trained.recurrent_w.values[0], trained), 1) == 0
    starts = arrays(only_recall(), parameters=PROBES, seed=11)["table.x_start"][1:41]
    overlaps = starts @ trained.target.values.T / 100
    deviation = 1 / np.sqrt(3 * 100)
    assert np.abs(overlaps).max() < 4.5 * deviation
    assert np.std(overlaps) == pytest.approx(deviation, rel=0.1)


def test_recall_is_best_at_the_input_strength_of_learning(trained):
    scales = [0.0, 0.5, 0.75, 1.0, 1.25, 1.5]
    runs = [probe(trained.recurrent_w.values[-1], trained, gamma=scale * GAMMA) for scale in scales]
    overlaps = [np.mean(measure.overlap(run.mean_x.values, run.target.values[run.step_item.values])) for run in runs]
    assert scales[int(np.argmax(overlaps))] == 1.0
    assert abs(overlaps[0]) < 0.15
    assert overlaps[3] > 0.85 > overlaps[1]


# The ceiling of recall


@pytest.mark.parametrize(("gamma", "maps"), [(0.6, 40), (1.0, 32)])
def test_fewer_than_half_of_the_maps_are_recalled_above_the_ceiling(gamma, maps):
    assert maps / 50 > measure.recall_ceiling(gamma)
    parameters = {"N": 50, "M": maps, "gamma": gamma, "epochs": 5, "test_epochs": (5,), "starts": 1}
    result = simulate(MODEL, parameters=parameters, seed=0)
    assert recalled(result, 5) < 0.5


def test_loads_that_no_weights_of_norm_one_can_hold_are_refused():
    with pytest.raises(RuleError, match="rows of norm 1"):
        simulate(MODEL, parameters={"N": 100, "M": 148})

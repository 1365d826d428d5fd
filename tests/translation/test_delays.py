"""Projections with a delay: sums and rules see the presynaptic unit as it was some time ago."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from brian2 import ms

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
    arrays,
    freeze,
    simulate,
    translate,
)
from brainmem.errors import BrainmemError, RuleError
from brainmem.verification.counts import without_cells

DT, TAU = 0.1, 5.0  # ms
NUMPY, STANDALONE = Device("runtime"), Device("cpp_standalone")
PLAIN = Device("cpp_standalone", kernels="plain")
EVERY = pytest.mark.parametrize(
    "device", [NUMPY, STANDALONE, pytest.param(PLAIN, marks=pytest.mark.full)], ids=["numpy", "dense", "plain"]
)


def on_every(first: Any, *others: Any) -> list[Any]:
    """Return cases with devices: the first on all that `EVERY` has, others compiled under full alone."""
    some = [(first, NUMPY), (first, STANDALONE), *((case, NUMPY) for case in others)]
    rest = [(first, PLAIN), *((case, device) for case in others for device in (STANDALONE, PLAIN))]
    return [*some, *(pytest.param(*case, marks=pytest.mark.full) for case in rest)]


def ring(delay: str = "0.7*ms", *, rule: str = "", phases: tuple[Phase, ...] = (), zero: bool = False) -> MemoryModel:
    """Return a network whose recurrence is delayed; with a `rule` it is plastic."""
    shown = Phase("show", duration="T", stimuli=("cue",))
    phases = phases or (shown,)
    text = {"continuous": rule} if rule.startswith("d") else {"periodic": rule, "every": "0.5*ms"}
    return MemoryModel(
        "ring",
        parameters=(
            Parameter("N", 7),
            Parameter("M", 2),
            Parameter("tau", TAU * ms),
            Parameter("T", 4 * ms),
            *([Parameter("eta", 0.05)] if rule else []),
        ),
        populations=(
            Population(
                "units",
                "dx/dt = (-x + phi)/tau : 1\nphi = tanh(u + cue) : 1\nu : 1",
                rate="x",
                drive="u",
                transfer="phi",
                rate_range=(-1, 1),
                initial={} if zero else {"x": "uniform(-1, 1)"},
            ),
        ),
        projections=(
            Projection(
                "recurrent",
                "units",
                "units",
                current="u_post = w*x_pre : 1 (summed)",
                initial={"w": "normal(0, 1)"},
                delay=delay,
            ),
        ),
        rules=(LearningRule("learn", "recurrent", **text),) if rule else (),
        stimuli=(Stimulus("cue", "units", draw="normal(0, 1)"),),
        protocol=Protocol(phases, (Each(tuple(phase.name for phase in phases)),)),
    )


def ring_in_numpy(w, x, cues, *, late=7, steps=40, eta=0.0, every=0, hold=False):
    """Integrate the delayed network; `every` steps the periodic rule, or at every step the continuous one."""
    w, history, out = w.copy(), [x.copy()] * (late + 1), []
    off = 1.0 - np.eye(len(x))
    for cue in cues:
        for step in range(steps):
            past = history[-1 - late]
            u = w @ past
            change = eta * off * np.outer(x, past)
            if every and step % every == 0:
                w = w + change
            elif not every:
                w = w + DT / TAU * change
            x = x + DT / TAU * (-x + np.tanh(u + cue))
            history.append(x)
            out.append(x)
    return w, np.array(out)


def run(model, device=NUMPY):
    result = simulate(model, "rate", seed=4, device=device, record=("weights", "units.x"), interval=0.1 * ms)
    return result, np.nan_to_num(result.recurrent_w.values), result.x.values


def first_values(model):
    """Return the start values of the units, which a recording at the ends of time steps does not hold."""
    return arrays(model, "rate", seed=4)["units.x"]


@pytest.mark.parametrize(("case", "device"), on_every(("0.7*ms", 7), ("0.1*ms", 1), ("6*ms", 60)))
def test_a_delayed_recurrence_is_that_of_numpy(device, case):
    delay, late = case
    result, w, x = run(ring(delay), device)
    _, expected = ring_in_numpy(w[0], first_values(ring(delay)), result.cue.values, late=late)
    np.testing.assert_allclose(x, expected, rtol=1e-12, atol=1e-14)


@EVERY
@pytest.mark.parametrize(
    ("rule", "every"),
    [("dw/dt = eta*x_post*x_pre/tau : 1", 0), ("w += eta*x_post*x_pre", 5)],
    ids=["continuous", "periodic"],
)
def test_a_rule_sees_the_delayed_unit(device, rule, every):
    model = ring(rule=rule)
    result, w, x = run(model, device)
    final, expected = ring_in_numpy(w[0], first_values(model), result.cue.values, eta=0.05, every=every)
    np.testing.assert_allclose(x, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(w[-1], final, rtol=1e-12, atol=1e-14)


@EVERY
def test_what_reads_sums_at_the_end_of_a_step_reads_those_of_delayed_rates(device):
    model = ring().replace(observables=(Observable("sum_of_inputs", "u", population="units", reduce="sum"),))
    result, w, x = run(model, device)
    padded = np.concatenate([np.tile(first_values(model), (8, 1)), x])  # before the run, then time steps 1, 2, ...
    ends = [40, 80]
    np.testing.assert_allclose(result.sum_of_inputs.values, [(w[0] @ padded[k]).sum() for k in ends], rtol=1e-11)


@EVERY
def test_a_start_is_one_of_the_past_too_and_a_restored_phase_leaves_no_trace(device):
    """Two items of learning with and without a test between them, which begins with states of its own."""
    show = Phase("show", duration="T", stimuli=("cue",))
    test = Phase("test", duration="T", start={"x": "0.3 + zeros()"}, restore=True)
    plain, tested = ring(), ring(phases=(show, test))
    _, _, x = run(plain, device)
    _, w, both = run(tested, device)
    np.testing.assert_allclose(np.concatenate([both[:40], both[80:120]]), x, rtol=1e-12, atol=1e-14)
    _, expected = ring_in_numpy(w[0], np.full(7, 0.3), np.zeros((1, 7)))
    for begin in (40, 120):
        np.testing.assert_allclose(both[begin : begin + 40], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("variant", ["rate", "spiking"])
def test_only_what_the_synapses_see_makes_the_past_anew(variant):
    """Starts of other variables leave the line as it is; a rate that is stored is made of the drive that is set."""
    go = Phase("show", duration="T", stimuli=("cue",), start={"bias": "normal(0, 1)"})
    units = ring().populations[0]
    biased = replace(units, equations=units.equations.replace("u + cue", "u + cue + bias") + "\nbias : 1")
    model = ring().replace(populations=(biased,), protocol=Protocol((go,), (Each("show"),)))
    assert "t_in_timesteps, 0, 0, 0)" in str(translate(model, variant))
    set_ = ring(phases=(replace(go, start={"x": "zeros()"}),))
    assert "t_in_timesteps, 0, 0, int(x_row(step*second) > 0.5))" in str(translate(set_, variant))
    begun = ring(phases=(replace(go, start={}, begin={"units": "x = 0"}),))
    assert "t_in_timesteps, 0, 0, int(step_phase(step*second) == 0))" in str(translate(begun, variant))


@pytest.mark.parametrize(("how", "device"), on_every("start", "begin"))
def test_a_rate_of_the_drive_has_the_past_of_the_drive_that_is_set(device, how):
    """In the current form the rate phi(u) is stored; both items begin with u = 0.4 and a past of phi(0.4)."""
    texts = {"start": {"start": {"u": "0.4 + zeros()"}}, "begin": {"begin": {"units": "u = 0.4"}}}
    model = MemoryModel(
        "current",
        parameters=(Parameter("N", 5), Parameter("M", 2), Parameter("tau", TAU * ms), Parameter("T", 4 * ms)),
        populations=(
            Population(
                "units",
                "du/dt = (-u + h + cue)/tau : 1\nh : 1\nr = tanh(u) : 1",
                rate="r",
                drive="u",
                transfer="r",
                rate_range=(-1, 1),
            ),
        ),
        stimuli=(Stimulus("cue", "units", draw="normal(0, 1)"),),
        projections=(
            Projection(
                "loop",
                "units",
                "units",
                current="h_post = w*r_pre : 1 (summed)",
                initial={"w": "normal(0, 1)"},
                delay="0.7*ms",
            ),
        ),
        protocol=Protocol((Phase("show", duration="T", stimuli=("cue",), **texts[how]),), (Each("show"),)),
    )
    result = simulate(model, "rate", seed=4, device=device, record=("weights", "units.u"), interval=0.1 * ms)
    w, rows = np.nan_to_num(result.loop_w.values[0]), []
    for cue in result.cue.values:
        u, past = np.full(5, 0.4), [np.full(5, np.tanh(0.4))] * 7
        for _ in range(40):
            past.append(np.tanh(u))
            u = u + DT / TAU * (-u + w @ past[-8] + cue)
            rows.append(u)
    np.testing.assert_allclose(result.u.values, rows, rtol=1e-12, atol=1e-14)


@EVERY
def test_parts_of_populations_are_joined_with_a_delay(device):
    projection = replace(ring().projections[0], source_units="2:", target_units=":5")
    model = ring().replace(projections=(projection,))
    result, w, x = run(model, device)
    whole = np.zeros((7, 7))
    whole[:5, 2:] = w[0]
    _, expected = ring_in_numpy(whole, first_values(model), result.cue.values)
    np.testing.assert_allclose(x, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("device", [NUMPY, STANDALONE], ids=["numpy", "standalone"])
def test_trials_have_a_past_of_their_own(device):
    model = freeze(ring(zero=True), "show")
    cues = np.random.default_rng(0).normal(size=(2, 5, 7))
    options = {"record": ("units.x",), "interval": 1 * ms, "seed": 5}
    many = simulate(model, "rate", device=device, trials=5, inputs={"cue": cues}, **options)
    for trial in (0, 4):
        one = simulate(model, "rate", device=NUMPY, inputs={"cue": cues[:, trial]}, **options)
        np.testing.assert_allclose(many.x.sel(trial=trial).values, one.x.values, rtol=1e-11, atol=1e-13)


@EVERY
def test_spins_updated_one_at_a_time_see_delayed_sums(device):
    """A chain of delayed couplings passes a pattern on, a unit further with each delay and update (Kleinfeld 1986)."""
    model = MemoryModel(
        "chain",
        parameters=(Parameter("N", 6), Parameter("T", 12 * ms), Parameter("d", 2 * ms)),
        populations=(
            Population(
                "spins", "S : 1\nh : 1", sequential="S = sign(h)", initial={"S": "1 - 2*int(permutation() < 1)"}
            ),
        ),
        projections=(
            Projection(
                "slow", "spins", "spins", current="h_post = w*S_pre : 1 (summed)", initial={"w": "zeros()"}, delay="d"
            ),
        ),
        protocol=Phase("run", duration="T"),
        rate_dt="1*ms",
    )
    shift = np.roll(np.eye(6), 1, axis=0)
    result = simulate(
        model, "rate", seed=1, device=device, weights={"slow": shift}, record=("spins.S",), interval=1 * ms
    )
    first = np.argmin(arrays(model, "rate", seed=1)["spins.S"])
    down = (
        np.argmin(result.S.values, axis=1) - first
    ) % 6  # at the end of each time step, which sees the spins of d ago
    np.testing.assert_array_equal(down, np.repeat([1, 2, 3, 4], 3))


@pytest.mark.cython
def test_cython_gives_the_same_numbers():
    show = Phase("show", duration="T", stimuli=("cue",))
    test = Phase("test", duration="T", start={"x": "0.3 + zeros()"}, restore=True)
    for model in (ring(), ring(phases=(show, test))):
        runs = [run(model, device)[2] for device in (Device("runtime", target="cython"), STANDALONE)]
        np.testing.assert_allclose(*runs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("device", [NUMPY, STANDALONE], ids=["numpy", "standalone"])
def test_sums_of_spiking_units_are_those_of_earlier_traces(device):
    model = ring("2*ms")
    options = {"parameters": {"cells_per_unit": 5}, "interval": 0.5 * ms}
    options |= {"record": ("weights", "units.x", "units.u"), "seed": 2}
    result = simulate(model, Spiking(neuron="poisson"), device=device, **options)
    w, x, u = np.nan_to_num(result.recurrent_w.values[0]), result.x.values, result.u.values
    assert np.ptp(x) > 0.1
    np.testing.assert_allclose(u[4:], x[:-4] @ w.T, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("device", [NUMPY, STANDALONE], ids=["numpy", "standalone"])
def test_a_rule_at_presynaptic_spikes_runs_when_they_arrive(device):
    """With a delay of d, weights at the end are those that a run without delay has d earlier, from the same spikes."""
    late, prompt = (
        ring(delay, rule="dw/dt = eta*(x_pre + 1)/tau : 1").replace(name=name)
        for delay, name in (("1.5*ms", "late"), ("", "prompt"))
    )
    changed = []
    for model, steps in ((late, 80), (prompt, 65)):
        model = model.replace(
            projections=(replace(model.projections[0], current=""),), protocol=Phase("show", duration="T")
        )
        options = {"parameters": {"cells_per_unit": 3, "T": steps * 0.1 * ms, "M": 1}, "record": ("weights",)}
        w = simulate(model, Spiking(neuron="poisson"), seed=3, device=device, **options).recurrent_w.values
        changed.append(np.nan_to_num(w[-1] - w[0]))
    assert np.ptp(changed[1]) > 0
    np.testing.assert_allclose(*changed, rtol=1e-10, atol=1e-12)


def test_the_translation_shows_what_is_stored_and_read():
    for variant in ("rate", "spiking"):
        text = str(translate(ring(), variant))
        assert "u_post = w*x_late_recurrent_pre : 1 (summed)" in text
        assert "x_next_recurrent = delay_store(x, 0, i, N, (0.7*ms)/dt, t_in_timesteps)" in text
        assert "class DelayLines" in text


def test_a_delay_breaks_a_circle_of_sums():
    """Linear units that read each other at once have no order in a time step; with a delay they have."""

    def linear(delay):
        return MemoryModel(
            "linear",
            parameters=(Parameter("N", 3), Parameter("T", 0.5 * ms)),
            populations=(Population("units", "y = 1 + u : 1\nu : 1"),),
            projections=(
                Projection(
                    "loop",
                    "units",
                    "units",
                    current="u_post = w*y_pre : 1 (summed)",
                    initial={"w": "0.5 + zeros()"},
                    delay=delay,
                ),
            ),
            protocol=Phase("run", duration="T"),
        )

    with pytest.raises(BrainmemError, match="reads itself within one time step"):
        simulate(linear(""), "rate", device=NUMPY)
    # Before the run y is 1, what it is with u = 0; so it is 2 at t = 0.
    y = simulate(linear("0.1*ms"), "rate", device=NUMPY, record=("units.y",), interval=0.1 * ms).y.values[:, 0]
    np.testing.assert_allclose(y, 2 + np.cumsum(np.ones(len(y))), rtol=1e-12)


@pytest.mark.parametrize("delay", ["0.25*ms", "0.05*ms"])
def test_a_delay_between_time_steps_is_refused(delay):
    with pytest.raises(RuleError, match=r"projection 'recurrent': delay='.*' is .* ms, and must be a multiple"):
        simulate(ring(delay), "rate", device=NUMPY)


@pytest.mark.parametrize(
    ("delay", "message"), [("0*ms", "a time longer than 0"), ("3", "a time longer"), (2, "must be text")]
)
def test_a_delay_that_is_no_time_is_refused(delay, message):
    with pytest.raises(RuleError, match=message):
        ring(delay)


def test_counts_that_stand_for_cells_arrive_late_too_whatever_their_sign():
    model = ring("2*ms", rule="dw/dt = eta*x_post*x_pre/tau : 1")
    counted = without_cells(translate(model, "spiking"))
    conditions = {name: event[0] for name, event in counted.group("units").events.items() if "spike" in name}
    assert conditions == {"unit_spike": "count != 0", "unit_spike_late_recurrent": "count_late_recurrent != 0"}

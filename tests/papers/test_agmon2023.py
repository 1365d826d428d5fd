"""Agmon and Burak (2023): the network in text against the reference in plain numpy, on a ring and on a torus."""

from __future__ import annotations

import re

import numpy as np
import pytest
from brainmem.models.agmon2023 import networks, reference
from brainmem.models.agmon2023.reference import Embedding, Ring, energy
from brainmem.models.agmon2023.transfers import transfer
from brian2 import hertz, ms

from brainmem import Spiking, explain, get_model, measure, simulate
from brainmem.claims import Experiment

N, L, STARTS = 200, 2, 20
MODEL = get_model("agmon2023")
RING = Ring(N)
MAPS = Embedding(RING, reference.places(L, N, np.random.default_rng(0)), N // STARTS)
VALUES = {"N": N, "L": L, "starts": STARTS}
PLACES = {"place": MAPS.place}
NUMPY = "runtime"
DEVICES = [NUMPY, "cpp_standalone"]


def test_weights_and_input_are_those_of_the_equations():
    result = simulate(MODEL, protocol="landscape", parameters=VALUES, inputs=PLACES, device=NUMPY, record=("weights",))
    np.testing.assert_allclose(result.recurrent_w.values[0], MAPS.J, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(result.imposed.values, MAPS.ideal, atol=2e-4)  # the far side of so small a ring
    np.testing.assert_allclose(result.energy.values, energy(transfer(MAPS.ideal), MAPS.J, MAPS.h), rtol=1e-9)
    assert result.parameters["h"]["value"] == pytest.approx(MAPS.h, rel=1e-9)


@pytest.mark.parametrize("device", DEVICES)
def test_currents_and_energies_are_those_of_numpy_at_every_step_from_random_states(device):
    rng = np.random.default_rng(1)
    states = rng.normal(0, 50, (3, N))
    shown = {**PLACES, "along": np.zeros((1, 3, N))}
    result = simulate(
        MODEL,
        protocol="let_go",
        parameters={**VALUES, "bumps": 1, "T": 20 * ms},
        inputs=shown,
        initial={"cells.I": states},
        trials=3,
        device=device,
        record=("I", "energy"),
        interval=1 * ms,
    )
    u, h, before = states, result.parameters["h"]["value"], 0.0
    seen, energies = result.I.values.reshape(20, 3, N), result.energy_trace.values.reshape(20, 3)
    for k, time in enumerate(result.time.values):
        u, before = reference.run(u, MAPS.J, h, duration=time - before), time
        np.testing.assert_allclose(seen[k], u, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(energies[k], energy(transfer(u), MAPS.J, h), rtol=1e-9)
    assert np.diff(energies, axis=0).max() < 0


@pytest.mark.slow
def test_held_bumps_relax_as_the_constrained_minimum_of_numpy_does():
    experiment = Experiment(MODEL, device=NUMPY)
    held = networks.run(experiment, MAPS, 0 * MAPS.J, "hold", record=("end_I",), parameters=networks.HOLDING)
    states, mu = MAPS.held(MAPS.ideal, np.zeros(len(MAPS.ideal)), MAPS.J, steps=600)
    found = held.energy.values.ravel()
    best = energy(transfer(states), MAPS.J, MAPS.h)
    assert np.abs(found - best).max() < 0.02 * best.std()
    rates = transfer(held.end_I.values[0])
    assert np.abs((MAPS.lever * rates).sum(axis=1) / rates.sum(axis=1)).max() < 2e-3
    assert np.abs(mu).max() > 0.1
    frozen = networks.run(experiment, MAPS, 0 * MAPS.J, "hold", record=("end_I",),
                          parameters={**networks.HOLDING, "moving": "bump"})  # fmt: skip
    still = MAPS.ideal <= 0
    assert np.abs(frozen.end_I.values[0] - MAPS.ideal)[still].max() < 2e-4
    assert (frozen.energy.values.ravel() > found - 1e-6).all()


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_a_lap_of_the_rule_makes_the_changes_of_numpy_in_the_same_order(device):
    result = simulate(
        MODEL, protocol="episodes", parameters=VALUES, inputs=PLACES, device=device, seed=1, record=("weights",)
    )
    bumps = L * STARTS
    order = result.step_item.values[bumps:]
    assert sorted(order.tolist()) == list(range(bumps))
    assert order.tolist() != list(range(bumps))
    rates = transfer(MAPS.ideal)
    energies = energy(rates, MAPS.J, MAPS.h)
    G0 = result.parameters["G0"]["value"]
    w = reference.visits(MAPS.J, rates, MAPS.h, order, mean=energies.mean(), gain=0.5, G0=G0, keep=1 - 1 / bumps)
    found = result.recurrent_w.values[-1]
    assert np.abs(found - w).max() < 1e-12 < 1e-3 < np.abs(w - MAPS.J).max()
    assert np.abs(found - found.T).max() < 1e-12
    assert energy(rates, found, MAPS.h).std() < 0.5 * energies.std()


def test_learning_during_visits_comes_near_steps_at_their_ends():
    found = {}
    for protocol in ("visits", "episodes"):
        values = {**VALUES, "T_visit": 3 * ms}
        result = simulate(
            MODEL, protocol=protocol, parameters=values, inputs=PLACES, device=NUMPY, seed=1, record=("weights",)
        )
        found[protocol] = result.recurrent_w.values[-1] - MAPS.J
    gap = np.abs(found["visits"] - found["episodes"]).max()
    assert 0 < gap < 0.1 * np.abs(found["episodes"]).max()


def test_the_same_text_has_maps_on_a_torus():
    rows, torus = 24, Ring(576, sigma=2.4, rows=24)
    maps = Embedding(torus, reference.places(2, 576, np.random.default_rng(2)), 24)
    values = {"N": 576, "L": 2, "rows": rows, "sigma": 2.4, "starts": 24, "T": "1*second", "rate_step": 1 * ms}
    values |= {"total_0": torus.rate.sum() * hertz}
    given = {"place": maps.place, "imposed": maps.ideal}
    result = simulate(MODEL, protocol="landscape", parameters=values, inputs=given, device=NUMPY, record=("weights",))
    np.testing.assert_allclose(result.recurrent_w.values[0], maps.J, rtol=1e-12, atol=1e-14)
    before = result.energy.values
    np.testing.assert_allclose(before, energy(transfer(maps.ideal), maps.J, maps.h), rtol=1e-6)
    places = np.stack(np.divmod(maps.place, rows), axis=-1)
    begun = np.tile(np.stack(np.divmod(np.arange(0, 576, 24), rows), axis=-1), (2, 1))
    template = torus.rate.reshape(torus.sides)
    drift = {}
    for name, M in (("none", 0 * maps.J), ("ideal", Embedding(torus, maps.place).idealised())):
        u = reference.run(maps.ideal, maps.J + M, maps.h, duration=1.0, dt=1e-3)
        found = measure.decode(transfer(u), template, places)
        gone = measure.displacement(found.place, begun, size=torus.sides)
        drift[name] = np.hypot(*gone.T)[found.map == np.repeat([0, 1], 24)].mean()
        after = energy(transfer(maps.ideal), maps.J + M, maps.h)
        assert (after.std() < 1e-6) == (name == "ideal")
    assert drift["ideal"] < 0.5 * drift["none"]


def test_one_map_of_spiking_cells_keeps_its_bump():
    result = simulate(
        MODEL,
        Spiking(neuron="poisson", cells_per_unit=20),
        parameters={**VALUES, "L": 1, "starts": 2, "T": "0.3*second", "rate_max": "100*hertz", "tau": "50*ms"},
        inputs={"place": MAPS.place[:1]},
        device=NUMPY,
        seed=3,
    )
    found = measure.decode(result.mean_r.values, RING.rate, MAPS.place[0])
    assert np.abs(measure.displacement(found.place, [0, 100], size=N)).max() <= 5
    assert found.score.min() > 25
    assert result.mean_r.max() == pytest.approx(11.6, abs=2)


@pytest.mark.full
def test_explain_tells_how_much_the_rule_learns_from_traces_of_two_bumps():
    """For four time constants after each visit begins they hold a mixture; the rule may wait."""
    model = MODEL.with_protocol("visits").vary({**VALUES, "starts": 4, "cells_per_unit": 20})
    changed = {}
    for name, form in (("at once", model.vary(wait=0 * ms)), ("late", model)):
        said = explain(form, Spiking(neuron="poisson"))
        verdict = next(line for line in said.splitlines() if "rule 'online'" in line)
        _, _, lead = verdict.partition("reads traces across jumps of the rates")
        changed[name] = abs(float(re.search(r"about (-?[0-9.]+) %", lead)[1]))
    assert changed["at once"] > 10 > 2 * changed["late"]


@pytest.mark.slow
def test_for_a_measured_curve_maps_are_flattened_anew():
    """The bump of its own, of cells of three times these rates; the landscape in text; M belongs to its transfer."""
    maps = networks.embedding(N, L, 0, stride=N // STARTS, transfer="tabulated")
    larger = networks.embedding(300, L, 0, transfer="tabulated").ring.rate
    assert 3 * larger.max() == pytest.approx(34.2, abs=0.1)
    assert 3 * larger.min() == pytest.approx(0.044, abs=0.002)
    experiment = Experiment(MODEL, device=NUMPY)
    spreads = {}
    for name, M in {"none": 0 * maps.J, "own": maps.idealised(), "of the root": MAPS.idealised()}.items():
        shown = networks.run(experiment, maps, M, "landscape")
        np.testing.assert_allclose(shown.energy.values[0], maps.energy(maps.ideal, M), rtol=1e-9)
        spreads[name] = shown.energy.values.std()
    assert spreads["own"] < 1e-3 * spreads["none"]
    assert spreads["of the root"] > 0.1 * spreads["none"]


@pytest.mark.parametrize("transfer", ["root", "linear", "logistic", "tabulated"])
def test_every_transfer_has_its_energy(transfer):
    """By differences: dE/dI_i = phi'(I_i)(I_i - h - rec_i), Eq. S20; and it never rises."""
    rng, units = np.random.default_rng(5), (3, 50, 121)
    state = rng.uniform(10, 110, N) * np.where(np.arange(N) % 4, 1, -1)
    step = 1e-3
    moved = np.stack([state + sign * step * (np.arange(N) == unit) for unit in units for sign in (-1, 1)])
    values = {**VALUES, "bumps": 1, "transfer": transfer}
    given = {**PLACES, "along": np.zeros((1, 7, N)), "imposed": np.concatenate([moved, state[None]])[None]}
    options = {"parameters": values, "inputs": given, "trials": 7, "device": NUMPY}
    shown = simulate(MODEL, protocol="landscape", record=("end_r",), **options)
    energies, rates = shown.energy.values[0], shown.end_r.values[0]
    rec, h = MAPS.J @ rates[-1], shown.parameters["h"]["value"]
    for number, unit in enumerate(units):
        gradient = (energies[2 * number + 1] - energies[2 * number]) / (2 * step)
        slope = (rates[2 * number + 1, unit] - rates[2 * number, unit]) / (2 * step)
        assert gradient == pytest.approx(slope * (state[unit] - h - rec[unit]), rel=2e-4)
        assert slope > 0
    states = rng.normal(30, 50, (7, N))
    options["parameters"] = {**values, "T": 20 * ms}
    fallen = simulate(
        MODEL, protocol="let_go", initial={"cells.I": states}, record=("energy",), interval=0.2 * ms, **options
    )
    traces = fallen.energy_trace.values.reshape(-1, 7)
    assert np.diff(traces, axis=0).max() < 1e-9 * np.abs(traces).max()
    assert (traces[-1] < traces[0]).all()

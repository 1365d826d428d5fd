"""Agmon and Burak (2023): the plain numpy reference against closed forms, and controls that must fail."""

from __future__ import annotations

import numpy as np
import pytest
from brainmem.models.agmon2023 import reference, theory
from brainmem.models.agmon2023.reference import Embedding, Ring, energy, linear_step
from brainmem.models.agmon2023.transfers import transfer

SMALL = Ring(300)


def embedding(L=2, seed=0, *, ring=SMALL, stride=1):
    return Embedding(ring, reference.places(L, ring.N, np.random.default_rng(seed)), stride)


@pytest.fixture(scope="module")
def two_maps():
    return embedding()


def spread(emb, M):
    """Return the sd of the energy over the places of each map, of bumps of one map."""
    energies = energy(transfer(emb.ideal), emb.J + M, emb.h)
    return energies.reshape(len(emb.place), -1).std(axis=1)


def moved(emb, M, *, starts=20, duration=3.0):
    """Return the mean distance that bumps drift, by map."""
    chosen = emb.ideal.reshape(len(emb.place), -1, emb.ring.N)[:, :: emb.ring.N // starts]
    r = transfer(reference.run(chosen.reshape(-1, emb.ring.N), emb.J + M, emb.h, duration=duration, dt=1e-3))
    scores = reference.scores(r, emb.ring.rate, emb.place).reshape(len(emb.place), starts, len(emb.place), -1)
    begun = np.arange(0, emb.ring.N, emb.ring.N // starts)
    own = np.stack([scores[number, :, number].argmax(axis=-1) for number in range(len(emb.place))])
    return np.abs(reference.wrapped(own - begun, emb.ring.N)).mean(axis=1)


def test_the_bump_of_one_map_has_the_numbers_of_its_closed_forms():
    for N in (200, 300, 600):
        ring = Ring(N)
        assert np.count_nonzero(ring.rate) == 59
        assert ring.rate.max() == pytest.approx(11.585824, rel=1e-6)
        assert ring.rate.sum() == pytest.approx(505.27986, rel=1e-6)
        assert (ring.rate**2).sum() == pytest.approx(4826.1949, rel=1e-6)
        assert theory.fixed_point_energy(ring.rate, ring.h0) == pytest.approx(-10618.0864, rel=1e-8)
    assert Ring(600).rho == pytest.approx(-100.01378, rel=1e-6)
    assert Ring(600).input(10) == pytest.approx(768.0, abs=0.1)
    assert SMALL.input(2) == pytest.approx(73.55, abs=0.01)


def test_one_map_is_flat_at_whole_places_and_asks_for_no_change():
    one = Embedding(SMALL, np.arange(300)[None])
    r = transfer(one.ideal)
    energies = energy(r, one.J, one.h)
    assert np.ptp(energies) < 1e-11 * abs(energies[0])
    assert np.abs(linear_step(r, energies)).max() < 1e-12
    assert moved(one, 0 * one.J, duration=1.0).item() == 0


def test_a_bump_half_way_between_two_places_has_less_energy():
    """So drift by half a unit is the lattice's, not the maps'."""
    u = SMALL.current
    half = (u + np.roll(u, 1)) / 2
    for _ in range(4000):
        new = SMALL.h0 + transfer(half) @ SMALL.weights(np.arange(300)[None])
        half = half + 0.1 * (new - half)
        half = (half + half[(1 - np.arange(300)) % 300]) / 2
    one = SMALL.weights(np.arange(300)[None])
    gap = energy(transfer(half), one, SMALL.h0) - energy(SMALL.rate, one, SMALL.h0)
    assert gap == pytest.approx(-0.6138, abs=2e-3)


@pytest.mark.parametrize(("ring", "sd"), [(Ring(600), 405.42), (SMALL, 494.30)])
def test_other_maps_add_the_mean_and_the_spread_that_theory_says(ring, sd):
    assert theory.energy_sd(ring, 2) == pytest.approx(sd, rel=1e-4)
    assert theory.energy_sd(ring, 10) == pytest.approx(3 * sd, rel=1e-4)
    J = ring.weights(np.arange(ring.N)[None])
    rng = np.random.default_rng(1)
    r, energies = ring.rate, []
    for _ in range(400):
        p = rng.permutation(ring.N)
        energies.append(energy(r, J + J[np.ix_(p, p)], ring.input(2)))
    error = sd / np.sqrt(400)
    assert np.mean(energies) == pytest.approx(theory.mean_energy(ring, 2), abs=3.5 * error)
    assert np.std(energies) == pytest.approx(sd, rel=0.15)


def test_the_linear_step_makes_the_energies_of_its_states_equal(two_maps):
    M = two_maps.idealised()
    base = energy(transfer(two_maps.ideal), two_maps.J, two_maps.h)
    after = energy(transfer(two_maps.ideal), two_maps.J + M, two_maps.h)
    assert base.std() > 300
    assert np.ptp(after) < 1e-8
    assert (M == M.T).all()
    assert not M.diagonal().any()
    for f in (0.5, 0.9, 1.1):
        partly = energy(transfer(two_maps.ideal), two_maps.J + f * M, two_maps.h)
        assert partly.std() == pytest.approx(abs(1 - f) * base.std(), rel=1e-6)


def test_no_smaller_change_makes_them_equal():
    """Against least squares on the design matrix, and other common energies."""
    emb = embedding(ring=Ring(200), stride=20)
    r, w = transfer(emb.ideal), emb.J
    energies = energy(r, w, emb.h)
    M = linear_step(r, energies)
    upper = np.triu_indices(200, 1)
    design = -np.stack([np.outer(row, row)[upper] for row in r])
    rows = np.hstack([design, -np.ones((len(r), 1)) * 1e9])  # a common energy that costs nothing
    found = np.linalg.lstsq(rows, -energies, rcond=None)[0]
    np.testing.assert_allclose(M[upper], found[:-1], atol=1e-6 * np.abs(M).max())


def test_the_gradient_of_a_held_energy_is_that_of_its_rates(two_maps):
    """dE*/dM_ij = -r_i r_j, by finite difference with the state relaxed again."""
    rows = np.array([7, 311])
    few = Embedding(two_maps.ring, two_maps.place, stride=1)
    few.__dict__["ideal"], few.__dict__["apart"] = two_maps.ideal[rows], two_maps.apart[rows]
    start, mu = few.held(few.ideal, np.zeros(2), few.J, steps=3000)
    r = transfer(start)
    i, j = np.argsort(r[0])[-3:-1]
    energies = []
    for step in (-1e-3, 1e-3):
        w = few.J.copy()
        w[i, j] += step
        w[j, i] += step
        held = few.held(start, mu, w, steps=1000)[0]
        energies.append(energy(transfer(held), w, few.h))
    assert (energies[1] - energies[0])[0] / 2e-3 == pytest.approx(-r[0, i] * r[0, j], rel=1e-6)
    assert theory.fixed_point_energy(r, few.h) == pytest.approx(energy(r, few.J, few.h), rel=1e-8)


def test_energy_never_rises_with_symmetric_weights_and_may_with_others():
    emb = embedding(ring=Ring(200))
    rng = np.random.default_rng(3)
    states = rng.normal(0, 50, (4, 200))
    uneven = rng.normal(0, 0.035, (200, 200))
    for w, rises in ((emb.J, False), (emb.J + (uneven - uneven.T) / np.sqrt(2), True)):
        u, energies = states, []
        for _ in range(150):
            energies.append(energy(transfer(u), w, emb.h))
            u = reference.run(u, w, emb.h, duration=2e-3)
        assert (np.diff(energies, axis=0).max() > 1e-9 * np.abs(energies).max()) == rises


def test_a_step_of_one_map_alone_flattens_that_map_alone():
    emb = embedding()
    base, drift = spread(emb, 0 * emb.J), moved(emb, 0 * emb.J)
    both = emb.idealised()
    assert moved(emb, both).mean() < 0.3 * drift.mean()
    first = Embedding(emb.ring, emb.place)
    first.__dict__["ideal"] = emb.ideal[:300]
    r = transfer(first.ideal)
    one = linear_step(r, energy(r, emb.J, emb.h))
    assert spread(emb, one)[0] < 1e-8 < 0.6 * base[1] < spread(emb, one)[1]
    assert moved(emb, one)[0] < 0.4 * drift[0]
    assert moved(emb, one)[1] > 0.6 * drift[1]


def test_random_and_shuffled_changes_flatten_nothing(two_maps):
    M, rng = two_maps.idealised(), np.random.default_rng(5)
    base = spread(two_maps, 0 * M)
    p = rng.permutation(300)
    noise = rng.normal(0, M.std(), M.shape)
    random = np.triu(noise, 1) + np.triu(noise, 1).T
    for other in (M[np.ix_(p, p)], random):
        assert (spread(two_maps, other) > 0.75 * base).all()


def test_updates_of_held_states_flatten_the_true_landscape(two_maps):
    few = embedding(stride=4)
    steps = [*few.steps(3)]
    found = [step.energies.std() for step in steps]
    assert found[3] < 0.05 * found[0]
    r = transfer(steps[-1].current)
    centres = np.abs((few.lever * r).sum(axis=1) / r.sum(axis=1))
    assert np.quantile(centres, 0.95) < 1e-10  # a state that changes its shape may lag behind
    assert centres.max() < 0.1
    assert steps[0].energies.mean() < energy(transfer(few.ideal), few.J, few.h).mean() - 200


def test_learning_by_visits_flattens_and_needs_the_energy(two_maps):
    rng = np.random.default_rng(2)
    r = transfer(two_maps.ideal)
    energies = energy(r, two_maps.J, two_maps.h)
    G0 = ((two_maps.ring.rate**2).sum() ** 2 - (two_maps.ring.rate**4).sum()) / 2
    options = {"gain": 0.5, "G0": G0, "keep": 1 - 1 / len(r)}
    learned = reference.visits(two_maps.J, r, two_maps.h, rng.permutation(len(r)), mean=energies.mean(), **options)
    assert energy(r, learned, two_maps.h).std() < 0.25 * energies.std()
    constant = two_maps.J.copy()
    for item in rng.permutation(len(r)):
        change = 0.5 * energies.std() / G0 * np.outer(r[item], r[item])
        np.fill_diagonal(change, 0)
        constant += change
    assert energy(r, constant, two_maps.h).std() > energies.std()


def test_without_compensation_of_the_input_bumps_are_smaller():
    emb = embedding(L=10, ring=Ring(600), stride=60)
    u = reference.run(emb.ideal[:10], emb.J, emb.ring.h0, duration=0.5)
    kept = reference.run(emb.ideal[:10], emb.J, emb.h, duration=0.5)
    assert transfer(u).max(axis=1).mean() < 0.8 * transfer(kept).max(axis=1).mean()


def test_poisson_cells_diffuse_as_fast_as_theory_says():
    """One map, Euler, each neuron the mean of 200 Poisson cells."""
    ring, rng, cells, dt, tau = Ring(200), np.random.default_rng(4), 200, 2.5e-4, 0.015
    w = ring.weights(np.arange(200)[None])
    u = np.tile(ring.current, (300, 1))
    times = np.arange(1, 11) * 0.02
    places = []
    for _ in times:
        for _ in range(80):
            spikes = rng.poisson(transfer(u) * cells * dt) / (cells * dt)
            u += dt / tau * (ring.h0 + spikes @ w - u)
        r = transfer(u)
        angle = np.angle((r * np.exp(2j * np.pi * np.arange(200) / 200)).sum(axis=1)) / (2 * np.pi) * 200
        places.append(angle)
    moved = np.transpose(places)
    rate = (moved**2 @ times / (times @ times)).mean()
    assert theory.diffusion_rate(ring, tau=tau, cells=1) == pytest.approx(2657, rel=0.01)
    assert rate == pytest.approx(theory.diffusion_rate(ring, tau=tau, cells=cells), rel=0.3)
    assert theory.inertia(ring) == pytest.approx(121.67, rel=1e-3)

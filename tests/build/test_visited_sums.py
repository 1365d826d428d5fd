"""Sums that follow visits are formed anew where anything else has changed what they read, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from brian2 import Clock, NeuronGroup, second

from brainmem import (
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Stimulus,
    simulate,
)
from brainmem.build.codegen.dense import dense_synapses
from brainmem.build.codegen.watching import follows_synapses, watched_arrays
from tests.support.dream_models import COMPILED, CYTHON, SWEEP

N = 12
UNITS = """
h : 1
norm2 : 1
S : 1
gain : 1
field = h/sqrt(1 + norm2) + 0.3*cue : 1
"""
CURRENT = (
    "h_post = w*(1 + boost)*gain_pre*S_pre + 0.1*g*cue_pre*seen_pre : 1 (summed)\nnorm2_post = w**2 + g : 1 (summed)"
)
PHASES = (  # each changes one thing that the sums read, and then leaves all as it is
    Phase("start", duration="3*sweep", begin={"spins": "gain = 1"}, start={"S": "signs()"}),
    Phase("gain", duration="3*sweep", begin={"spins": "gain = 0.5 + 0.5*gain*S"}),
    Phase("gate", duration="3*sweep", gates={"boost": 0.5}),
    Phase("shown", duration="3*sweep", stimuli=("cue",)),
    Phase("frames", duration="3*sweep", stimuli=("seen", "cue")),
    Phase("set", duration="3*sweep", end={"spins": "S = -S"}),
    Phase("learn", duration="3*sweep", gates={"plus": 1}),
    Phase("period", duration="3*sweep"),
    Phase("episode", duration="3*sweep"),
    Phase("beside", duration="3*sweep", start={"S": "signs()"}, restore=True),
    Phase("after", duration="3*sweep"),
)


def changing() -> MemoryModel:
    """Return a network whose phases change one by one what its sums read."""
    units = Population(
        "spins",
        UNITS,
        rate="S",
        rate_range=(-1, 1),
        sequential="S = 2*int(rand() < 1/(1 + exp(-4*field))) - 1",
        initial={"S": "signs()"},
    )
    couplings = Projection(
        "couplings",
        "spins",
        "spins",
        current=CURRENT,
        variables="g : 1",
        initial={"w": "normal(0, 1/sqrt(N))", "g": "uniform(0, 1)"},
    )
    return MemoryModel(
        "changing",
        parameters=(Parameter("N", N), Parameter("sweep", SWEEP)),
        populations=(units,),
        projections=(couplings,),
        rules=(
            LearningRule("hebb", "couplings", continuous="dw/dt = 0.1*plus*S_pre*S_post/sweep : 1"),
            LearningRule("decay", "couplings", periodic="g = 0.8*g", every="2*sweep", during=("period",)),
            LearningRule("grow", "couplings", episodic="w += 0.05*S_pre*S_post", at=("episode",)),
        ),
        stimuli=(
            Stimulus("cue", "spins", items=1, draw="signs()"),
            Stimulus("seen", "spins", items=1, draw="normal(0, 1)", every="sweep", frames=3),
        ),
        protocol=Protocol(PHASES, schedule=(Each(tuple(phase.name for phase in PHASES), items=1, repeats=2),)),
        rate_dt="sweep",
        time_unit="sweep",
        varied=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("device", [COMPILED, pytest.param(CYTHON, marks=pytest.mark.cython)], ids=str)
def test_sums_are_those_that_brian2_forms_in_every_time_step(device):
    """Numpy runs Brian2's list of pairs, whose sums are formed in every time step; orders and draws are the same."""
    dense, plain = (
        simulate(changing(), device=item, seed=2, record=("S", "h", "norm2", "weights"), interval=SWEEP).data
        for item in (device, Device("runtime"))
    )
    for name in ("S", "h", "norm2", "couplings_w", "couplings_g"):
        np.testing.assert_allclose(dense[name].values, plain[name].values, atol=1e-12, err_msg=name)
    assert np.ptp(dense["couplings_w"].values, axis=0).max() > 0.1
    assert np.ptp(dense["couplings_g"].values, axis=0).max() > 0.01
    assert set(np.unique(dense["S"].values)) == {-1.0, 1.0}


def on_synapses(question: Callable):
    """Ask about synapses of some units, outside of any run."""
    clock = Clock(dt=1 * second, name="clock")
    units = NeuronGroup(
        3,
        "S : 1\nshown = 2*S : 1 (constant over dt)\nh : 1\nb : 1 (constant)\nc : 1 (shared, constant)",
        clock=clock,
        name="some",
    )
    synapses = dense_synapses(
        units, units, "w : 1\nboth = w**2 + S_pre : 1", method="euler", clock=clock, namespace={}, name="between"
    )
    return question(synapses)


def test_sums_watch_the_arrays_that_they_read_and_that_can_change():
    def names(text: str) -> set[str] | None:
        found = on_synapses(lambda synapses: watched_arrays(synapses, [text]))
        return None if found is None else {item.name for item in found.values()}

    assert names("w*S_pre") == {"S"}
    assert names("w*S_pre*S_post + shown_pre + h_post") == {"S", "shown", "h"}
    assert names("both*b_pre*c_post") == {"S"}
    assert names("w*t/second") == {"t"}
    assert names("w*rand()*S_pre") is None


def test_sums_of_synapses_alone_are_told_apart():
    assert on_synapses(lambda synapses: follows_synapses(synapses, "w**2*b_post/c_pre"))
    assert not on_synapses(lambda synapses: follows_synapses(synapses, "w**2*h_post"))
    assert not on_synapses(lambda synapses: follows_synapses(synapses, "both"))
    assert not on_synapses(lambda synapses: follows_synapses(synapses, "w + randn()"))

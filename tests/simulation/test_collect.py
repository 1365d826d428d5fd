"""Names, units and sizes of what a result holds, where two populations share the names of their variables."""

from __future__ import annotations

import json

import numpy as np
import pytest
from brian2 import ms

from brainmem import (
    Device,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    Spiking,
    Stimulus,
    simulate,
)
from brainmem.model.nouns import Each


def population(name: str, size: int, drive: str) -> Population:
    return Population(
        name,
        f"h : 1\ndrive = {drive} : 1\nphi = 40*Hz*(1 + tanh(drive)) : Hz\ndr/dt = (phi - r)/tau : Hz",
        size=size,
        rate="r",
        drive="drive",
        transfer="phi",
        rate_range=("0*Hz", "80*Hz"),
        initial={"r": "uniform(0, 80)*Hz"},
    )


TWINS = MemoryModel(
    "twins",
    parameters=(Parameter("tau", 10 * ms), Parameter("time_step", 1 * ms)),
    populations=(population("one", 3, "h + cue"), population("other", 2, "h")),
    projections=(
        Projection(
            "across",
            "one",
            "other",
            current="h_post = g*r_pre : 1 (summed)",
            variables="g : second",
            initial={"g": "normal(0, 1)*ms"},
        ),
        Projection(
            "back",
            "other",
            "one",
            current="h_post = g*r_pre : 1 (summed)",
            variables="g : second",
            initial={"g": "normal(0, 1)*ms"},
        ),
    ),
    stimuli=(Stimulus("cue", "one", items=2),),
    protocol=Protocol((Phase("see", duration="12*ms", stimuli=("cue",)),), (Repeat(2, (Each("see", items=2),)),)),
    rate_dt="time_step",
    spiking={"spike_dt": 1 * ms},
)
RECORD = ("weights", "one.r", "other.r", "one.cue")


@pytest.fixture(scope="module", params=["rate", Spiking(neuron="poisson")], ids=["rate", "spiking"])
def twins(request):
    spikes = () if request.param == "rate" else ("spikes",)
    device = Device("runtime", target="numpy")
    return simulate(TWINS, request.param, device=device, record=(*RECORD, *spikes), interval=1 * ms)


def test_variables_of_one_name_are_told_apart_by_their_population(twins):
    for name, size in (("one", 3), ("other", 2)):
        trace, mean = twins[f"{name}_r"], twins[f"mean_{name}_r"]
        assert trace.dims == ("time", f"{name}_unit")
        assert trace.shape == (48, size)
        np.testing.assert_allclose(mean.values, trace.values.reshape(4, 12, size).mean(axis=1), rtol=1e-10)


def test_values_carry_the_unit_of_their_equation(twins):
    for name in ("one_r", "other_r", "mean_one_r", "mean_other_r"):
        assert twins[name].attrs["units"] == "hertz"
    assert twins.across_g.attrs["units"] == "second"
    assert twins.step_duration.attrs["units"] == "s"


def test_a_recorded_stimulus_does_not_hide_the_table_of_stimuli(twins):
    assert twins.cue.dims == ("item", "one_unit")
    np.testing.assert_array_equal(twins.cue_trace.values[::12], twins.cue.values[[0, 1, 0, 1]])


def test_weights_of_two_projections_are_post_by_pre(twins):
    assert twins.across_g.dims == ("epoch", "across_post", "across_pre")
    assert twins.across_g.shape == (3, 2, 3)
    assert twins.back_g.shape == (3, 3, 2)


def test_spikes_are_told_apart_by_their_population(twins):
    if twins.variant == "rate":
        assert not [name for name in twins.data if "spike" in name]
        return
    cells = json.loads(twins.data.attrs["parameters"])["cells_per_unit"]["value"]
    for name, size in (("one", 3), ("other", 2)):
        assert twins[f"{name}_spike_cell"].values.max() < size * cells
        assert twins[f"{name}_spike_time"].values.max() < 0.048


ENDINGS = ("place_cells", "motor_output", "mossy_spikes", "running_average", "x_trace_monitor", "w_snapshots")


def endings(rated: tuple[str, ...]) -> MemoryModel:
    """Return a model of populations whose names end as those of generated objects do; those in `rated` have a rate."""
    text = "drive = h : 1\nphi = (1 + tanh(drive))/2 : 1\nh : 1\ndr/dt = (phi - r)/tau : 1"
    rate = {"rate": "r", "drive": "drive", "transfer": "phi", "rate_range": (0, 1)}
    start = {"r": "uniform(0, 1)", "h": "normal(0, 1)"}
    return MemoryModel(
        "endings",
        parameters=(Parameter("tau", 10 * ms), Parameter("time_step", 1 * ms)),
        populations=tuple(
            Population(name, text, size=2 + place, initial={"r": start["r"]}, **rate)
            if name in rated
            else Population(name, text, size=2 + place, initial=start)
            for place, name in enumerate(ENDINGS)
        ),
        projections=tuple(
            Projection(f"to_{name}", name, name, current="h_post = w*r_pre : 1 (summed)", initial={"w": "normal(0, 1)"})
            for name in rated
        ),
        protocol=Phase("run", duration="12*ms"),
        rate_dt="time_step",
        spiking={"spike_dt": 1 * ms},
    )


@pytest.mark.slow
@pytest.mark.parametrize("device", [Device("runtime"), Device()], ids=str)
@pytest.mark.parametrize("rated", [ENDINGS[:1], ENDINGS[1:]], ids=len)
def test_populations_may_be_called_like_generated_objects(rated, device):
    record = ("weights", "spikes", *(f"{name}.r" for name in ENDINGS))
    result = simulate(endings(rated), "spiking", device=device, record=record)
    for place, name in enumerate(ENDINGS):
        dim = "unit" if rated == (name,) else f"{name}_unit"
        assert result[f"{name}_r"].dims == ("time", dim)
        assert result.data.sizes[dim] == 2 + place
    spikes = [str(name) for name in result.data if str(name).endswith("spike_time")]
    assert spikes == (["spike_time"] if len(rated) == 1 else [f"{name}_spike_time" for name in rated])
    assert {name for name in map(str, result.data) if name.endswith("_w")} == {f"to_{name}_w" for name in rated}

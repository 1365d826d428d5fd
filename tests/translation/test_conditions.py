"""Conditions in the text of units: cells take them as any other transfer, and algebra goes round them."""

from __future__ import annotations

import pytest
from brian2 import Hz, ms

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Spiking,
    explain,
    simulate,
)

DRIVES = {  # a threshold on the sum, a bonus beside it, and a condition on something else
    "step": "drive = int(h > theta) : 1",
    "bonus": "drive = h + 0.5*int(h >= theta) : 1",
    "beside": "drive = h + theta*int(elapsed > 5*tau) : 1",
    "two": "drive = 0.5*int((h > theta) and (h < 3*theta)) : 1",
}


def model(drive: str) -> MemoryModel:
    units = f"h : 1\n{drive}\nphi = clip(drive, 0, 1) : 1\ndr/dt = (phi - r)/tau : 1"
    hebb = LearningRule("hebb", "recurrent", continuous="dw/dt = eta*(r_pre - 0.5)*(r_post - 0.5) : 1")
    return MemoryModel(
        "conditions",
        parameters=(Parameter("N", 12), Parameter("theta", 0.3), Parameter("tau", 20 * ms), Parameter("eta", 0.1 * Hz)),
        populations=(
            Population("units", units, rate="r", drive="drive", transfer="phi", initial={"r": "binary(0.5)"}),
        ),
        projections=(
            Projection(
                "recurrent", "units", "units", current="h_post = w*r_pre : 1 (summed)", initial={"w": "uniform(0, 0.2)"}
            ),
        ),
        rules=(hebb,),
        protocol=Protocol((Phase("run", duration="10*tau"),), (Each("run", items=1),)),
        rate_dt="0.1*tau",
    )


@pytest.mark.parametrize("name", DRIVES)
def test_a_condition_in_the_drive_of_plastic_units_runs_in_cells_and_is_explained(name):
    written = model(DRIVES[name])
    result = simulate(written, Spiking(neuron="poisson"), device="runtime", seed=1)
    assert float(abs(result.recurrent_w[-1] - result.recurrent_w[0]).max()) > 0
    assert "hebb" in explain(written, "spiking", measured=False)

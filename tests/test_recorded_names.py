"""Names of a model that its results have for something else are refused where the model is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brainmem import Observable, RuleError, Stimulus, get_model

MODEL = get_model("kurikawa2020")
UNITS = MODEL.populations[0]


@pytest.mark.parametrize(
    "name", ["mean_x", "step_item", "epoch", "time", "recurrent_w", "spike_time", "units_unit", "item"]
)
def test_an_observable_takes_no_name_of_the_result(name):
    with pytest.raises(RuleError, match=f"observable {name!r}.*is what results call"):
        MODEL.replace(observables=(*MODEL.observables, Observable(name, "x", population=UNITS.name)))


@pytest.mark.parametrize("name", ["epoch", "recurrent_w", "mean_x", "time"])
def test_a_stimulus_and_a_variable_take_none_either(name):
    with pytest.raises(RuleError, match=f"{name!r} is what results call"):
        MODEL.replace(stimuli=(*MODEL.stimuli, Stimulus(name, UNITS.name, items=1)))
    with pytest.raises(RuleError, match=f"the variable {name!r} is what results call"):
        MODEL.replace(populations=(replace(UNITS, equations=f"{UNITS.equations}\n{name} = 2*x : 1"),))

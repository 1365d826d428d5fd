"""Names of a model that its results have for something else are refused where the model is made."""

from __future__ import annotations

from dataclasses import replace

import matplotlib
import pytest

from brainmem import Observable, RuleError, Stimulus, get_model, plot, write_report
from brainmem.cli.screen import print_table
from brainmem.storage.files import file_name
from tests.support import synthetic

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


HOSTILE = [
    "../../x",
    "/etc/passwd",
    "a\\b",
    "..",
    ".hidden",
    "-rf",
    "a\"b'c",
    "<script>alert(1)</script>",
    "[/red]",
    "$\\frac$",
    "y" * 300,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_leaves_neither_folder_nor_page(name, tmp_path):
    path = (tmp_path / f"{file_name(name)}-rate-seed0.nc").resolve()
    assert path.parent == tmp_path.resolve()
    path.write_text("")
    result = synthetic.result()
    result.data.attrs["model"] = name
    page = write_report(tmp_path / "page.html", title=name, results=result).read_text()
    assert "<script>alert" not in page
    print_table(("a",), [(name,)], title=name)
    plot.recall_curve(result).savefig(tmp_path / "figure.png")
    assert matplotlib.rcParams["text.parse_math"]

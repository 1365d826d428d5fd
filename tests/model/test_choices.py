"""Models that offer parts of their text in several forms."""

from dataclasses import replace

import numpy as np
import pytest

from brainmem import (
    Choice,
    Device,
    Each,
    LearningRule,
    MemoryModel,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Result,
    ResultError,
    RuleError,
    Stimulus,
    Sweep,
    compare,
    freeze,
    get_model,
    simulate,
    sweep,
    translate,
)

NUMPY = Device("runtime", target="numpy")


def model(**changes):
    """Return one unit that follows its cue, its rate linear or rectified."""
    fields = {
        "parameters": (Parameter("gain", 2.0), Parameter("least", 0.25)),
        "choices": (
            Choice("response", {"linear": "gain*v", "rectified": "clip(gain*v, least, 1)"}),
            Choice("drift", {"off": "0", "hebb": "x_pre*x_post"}, default="hebb", meaning="what learning follows"),
        ),
        "populations": (
            Population(
                "units",
                "u : 1\nv = cue + u : 1\nphi = response : 1\ndx/dt = (-x + phi)/(10*ms) : 1",
                size=3,
                rate="x",
                drive="v",
                transfer="phi",
            ),
        ),
        "projections": (
            Projection(
                "recurrent", "units", "units", current="u_post = w*x_pre : 1 (summed)", initial={"w": "zeros()"}
            ),
        ),
        "rules": (LearningRule("learning", "recurrent", continuous="dw/dt = learn*drift/second : 1"),),
        "stimuli": (Stimulus("cue", "units", items=1, draw="-0.1*(1 + unit)"),),
        "protocol": Protocol(
            (
                Phase("show", duration="100*ms", stimuli=("cue",), gates={"learn": 1}),
                Phase("test", duration="50*ms", stimuli=("cue",)),
            ),
            (Each("show", items=1), Each("test", items=1)),
        ),
        "rate_dt": "1*ms",
    }
    return MemoryModel("chooser", **{**fields, **changes})


def test_the_text_of_a_form_stands_where_its_name_stood():
    assert "phi = (gain*v) : 1" in str(translate(model()))
    assert "phi = (clip(gain*v, least, 1)) : 1" in str(translate(model().choose(response="rectified")))
    assert model().choose(drift="off").rules[0].continuous == "dw/dt = learn*(0)/second : 1"


def test_a_form_chosen_as_a_parameter_is_what_runs_and_is_kept(tmp_path):
    linear = simulate(model(), device=NUMPY, parameters={"drift": "off"})
    rectified = simulate(model(), device=NUMPY, parameters={"response": "rectified", "drift": "off", "least": 0.5})
    at_rest = np.array([-0.1, -0.2, -0.3])
    np.testing.assert_allclose(linear.mean_x[-1], 2 * at_rest, atol=1e-4)
    np.testing.assert_allclose(rectified.mean_x[-1], 0.5, atol=1e-4)
    rectified.save(tmp_path / "run.nc")
    assert Result.load(tmp_path / "run.nc").choices == {"response": "rectified", "drift": "off"}
    assert "response = rectified" in repr(rectified)
    assert "least = 0.5" in repr(rectified)


def test_the_default_is_the_named_form_or_the_first():
    assert model().choose().chosen == {"response": "linear", "drift": "hebb"}
    assert translate(model()).written == model().choose()
    assert model().choose() != model().choose(response="rectified")


def test_learning_that_a_form_leaves_out_may_run_in_trials():
    frozen = freeze(model(), "test", items=1)
    assert frozen.chosen["drift"] == "hebb"
    assert freeze(model().choose(response="rectified"), "test", items=1).chosen["response"] == "rectified"


def test_runs_of_different_forms_are_not_compared():
    runs = [simulate(model(), device=NUMPY, parameters={"response": form}) for form in ("linear", "rectified")]
    runs[1].data.attrs["variant"] = "spiking"
    with pytest.raises(ResultError, match=r"differ in parameters: response \(linear and rectified\)"):
        compare(*runs)


def test_a_sweep_runs_one_form(tmp_path):
    found = sweep(
        model(), parameters={"gain": [1.0, 2.0], "response": "linear"}, store=tmp_path / "one", device=NUMPY, jobs=1
    )
    runs = [Result.load(path) for path in (tmp_path / "one").glob("*.nc")]
    assert [run.choices["response"] for run in runs] == ["linear"] * len(found.points) == ["linear"] * 2
    with pytest.raises(RuleError, match="choice 'response': 'rectifid' is not one of"):
        sweep(model(), parameters={"response": ["linear", "rectifid"]}, store=tmp_path / "two", device=NUMPY)
    with pytest.raises(ResultError, match="holds another sweep"):
        sweep(model(), parameters={"gain": [1.0], "response": "rectified"}, store=tmp_path / "one", device=NUMPY)


def test_options_are_swept_as_parameters_are(tmp_path):
    options = {"store": tmp_path, "device": NUMPY, "jobs": 1}
    given = {"response": ["linear", "rectified"], "least": [0.25, 0.5], "drift": "off"}
    found = sweep(model(), parameters={**given, "response": ["linear"]}, **options)
    assert (found.units, len(found.finished)) == ({"response": "1", "least": "1"}, 2)
    found = sweep(model(), parameters=given, **options)  # two more
    assert found.axes == {"response": ["linear", "rectified"], "least": [0.25, 0.5], "seed": [0]}
    assert len(Sweep.load(tmp_path).finished) == 4
    means = found.dataset(lambda result: float(result.mean_x[-1].mean()))
    assert means.dims == ("response", "least", "seed")
    np.testing.assert_allclose(means.sel(response="linear"), -0.4, atol=1e-4)
    np.testing.assert_allclose(means.sel(response="rectified")[:, 0], [0.25, 0.5], atol=1e-4)
    with pytest.raises(ResultError, match=r"holds another sweep.*choices"):
        sweep(model(), parameters={**given, "drift": "hebb"}, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"respons": "linear"}, r"offers no choice 'respons'; choices: response, drift.*response"),
        ({"response": "rectifid"}, r"choice 'response': 'rectifid' is not one of 'linear', 'rectified'.*rectified"),
        ({"response": 1}, "1 is not one of"),
    ],
)
def test_options_that_do_not_exist(options, message):
    with pytest.raises(RuleError, match=message):
        model().choose(**options)


def test_what_was_chosen_is_not_a_parameter_any_more():
    with pytest.raises(RuleError, match="choice that has been made: 'linear'"):
        simulate(model().choose(), device=NUMPY, parameters={"response": "rectified"})
    with pytest.raises(RuleError, match="has been made already: response = 'linear'"):
        model().choose().choose(response="rectified")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ((Choice("response", {"linear": "gain*v"}),), "at least two forms"),
        ((Choice("response", {"a": "gain*v", "b": "least"}, default="c"),), "default='c' is not one of 'a', 'b'"),
        ((Choice("gain", {"a": "v", "b": "least"}),), "a parameter is called 'gain' already"),
        ((Choice("response", {"a": "gain*v", "b": "leas"}),), "leas"),
        ((Choice("response", {"a": "gain*v", "b": "cue*second"}),), r"second.*the form response='b'"),
        ((Choice("response", {"a": "gain*v", "b": "gain"}), Choice("odd", {"a": "v", "b": "u"})), "names it"),
        ((Choice("response", {"a": "gain*v", "b": "gain"}),), "parameter 'least': nothing in the model names it"),
    ],
)
def test_wrong_choices_are_refused_when_the_model_is_made(choices, message):
    drift = Choice("drift", {"off": "0", "hebb": "x_pre*x_post"})
    with pytest.raises(RuleError, match=message):
        model(choices=(*choices, drift))


def test_choices_must_be_a_tuple_of_choice():
    with pytest.raises(RuleError, match="Choice"):
        model(choices=("response",))


def test_the_shipped_choice_changes_the_error_alone():
    forms = {
        name: str(translate(get_model("rajan2016").choose(error_on=name))) for name in ("recurrent", "total", "rate")
    }
    lines = {
        name: next(line for line in text.splitlines() if line.strip().startswith("err ="))
        for name, text in forms.items()
    }
    assert {name: line.strip() for name, line in lines.items()} == {
        "recurrent": "err = (1)*(z - f) : 1",
        "total": "err = (1)*(z + h - f) : 1",
        "rate": "err = (1)*(r - aim) : 1",
    }
    assert forms["recurrent"].replace(lines["recurrent"], "") == forms["total"].replace(lines["total"], "")


def test_the_shipped_choices_of_an_error_change_that_alone():
    """The gain 1/(1 + den) may be not finite, and so the rules are not evaluated behind a shut gate in any of them."""
    logarithm, finite = (translate(get_model("rajan2016").choose(error_on=name)) for name in ("recurrent", "rate"))
    assert [without_error(group) for group in logarithm.groups] == [without_error(group) for group in finite.groups]
    assert (logarithm.connections, logarithm.tables) == (finite.connections, finite.tables)
    assert (logarithm.initial, logarithm.parameters) == (finite.initial, finite.parameters)
    assert "weights_open" in str(logarithm)
    assert "weights_open" in str(finite)


def without_error(group):
    """Return a group without the line of its error and without the period of guarded statements."""
    kept = [line for line in group.equations.splitlines() if not line.startswith(("err =", "learn_step :"))]
    constants = tuple(name for name in group.constants if name != "learn_step")
    return replace(group, equations="\n".join(kept), constants=constants)


def test_a_form_of_several_texts_puts_each_in_its_place_and_shows_what_it_reads():
    forms = {name: get_model("rajan2016").choose(transfer=name) for name in ("logistic", "tanh")}
    assert [form.population("units").rate_range for form in forms.values()] == [("(0)", 1), ("(-1)", 1)]
    assert "r = (tanh(x - theta)) : 1" in forms["tanh"].population("units").equations
    plain, marked = (get_model("rajan2016").choose(samples=name) for name in ("all", "marked"))
    assert [item.name for item in marked.stimuli] == ["R", "h", "seen"]
    assert [item.name for item in plain.stimuli] == ["R", "h"]
    assert all(phase.stimuli == ("R", "h") for phase in plain.protocol.phases)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"a": {"one": "v", "two": "0"}, "b": {"one": "0"}}, "every form must have texts of the same names"),
        ({"a": {"one": "v"}, "b": {"one": ""}}, "must give the texts of at least two forms"),
        ({"a": {"gain": "v"}, "b": {"gain": "0"}}, "a parameter is called 'gain' already"),
        ({"a": {"one": "v"}, "b": {"one": "0"}}, "choice 'one': nothing in the model names it"),
    ],
)
def test_wrong_forms_of_several_texts_are_refused(options, said):
    with pytest.raises(RuleError, match=said):
        model(choices=(*model().choices, Choice("several", options)))

"""Text over parameters: what is evaluated, drawn and resolved, and what is refused."""

from __future__ import annotations

import contextlib

import brian2
import numpy as np
import pytest
from brian2 import Hz, Quantity, ms, mV, second
from brian2.units import have_same_dimensions
from hypothesis import given
from hypothesis import strategies as st

from brainmem import RuleError, get_model
from brainmem.model.nouns import Parameter
from brainmem.model.parameters import resolve_parameters
from brainmem.text import draw, evaluate
from brainmem.text.equations import with_unit


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("0.03/N", {"N": 100}, 3e-4),
        ("100*tau", {"tau": 25 * ms}, 2.5 * second),
        ("30*ms", {}, 30 * ms),
        ("5*Hz + 2*hertz", {}, 7 * Hz),
        ("1/(20*ms)", {}, 50 * Hz),
        ("sqrt(tau*tau)", {"tau": 4 * ms}, 4 * ms),
        ("exp(-tau/(2*tau))", {"tau": 4 * ms}, np.exp(-0.5)),
        ("maximum(tau, 3*ms)", {"tau": 2 * ms}, 3 * ms),
        ("clip(1.5, 0, 1)", {}, 1.0),
        ("-2**2", {}, -4),
        ("2**-1", {}, 0.5),
        ("7//2 + 7 % 2", {}, 4),
        ("pi", {}, np.pi),
        ("(1, 2, 5)", {}, (1, 2, 5)),
        ("1, 2", {}, (1, 2)),
        ("()", {}, ()),
    ],
)
def test_arithmetic_over_parameters_and_units(text, names, expected):
    value = evaluate(text, names)
    assert have_same_dimensions(value, expected)
    assert value == expected or np.isclose(np.asarray(value), np.asarray(expected), rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("M < 2*N/(1 + gamma**2)", True),
        ("M < N and not M < 10", True),
        ("M > N or gamma == 0.6", True),
        ("0 < gamma < 0.5", False),
        ("True", True),
    ],
)
def test_conditions_are_true_or_false(text, expected):
    assert evaluate(text, {"M": 20, "N": 100, "gamma": 0.6}) is expected


@pytest.mark.parametrize(("text", "whole"), [("int(2.9)", 2), ("floor(-0.5)", -1), ("ceil(0.1)", 1), ("2*3", 6)])
def test_whole_numbers_stay_integers(text, whole):
    value = evaluate(text, {})
    assert isinstance(value, int)
    assert value == whole


def test_truth_counts_as_one_element_by_element():
    np.testing.assert_array_equal(evaluate("int(x > 0)*x", {"x": np.array([-2.0, 3.0])}), [0, 3])


def test_matrix_products_and_transposes():
    cue = np.array([[1.0, -1, 1], [1, 1, -1]])
    np.testing.assert_array_equal(evaluate("cue.T @ cue", {"cue": cue}), cue.T @ cue)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("gama*2", "unknown name 'gama'. Did you mean 'gamma'?"),
        ("sqr(4)", "unknown function 'sqr'. Did you mean 'sqrt'?"),
        ("30*msecs", "unknown name 'msecs'"),
        ("1*ms + 2*mV", "units do not fit"),
        ("exp(3*ms)", "units do not fit"),
        ("int(3*ms)", "units do not fit"),
        ("2*(3", "is not an expression"),
        ("", "is not an expression"),
        ("x = 3", "is not an expression"),
        ("1/0", "division by zero"),
        ("9**9**9", "exponents above 1000"),
        ("gamma.real", "'gamma.real' (Attribute) is not allowed"),
        ("gamma.__class__", "(Attribute) is not allowed"),
        ("().__class__.__bases__[0].__subclasses__()", "is not allowed"),
        ("__import__('os').system('true')", "is not allowed"),
        ("[x for x in (1,)]", "(ListComp) is not allowed"),
        ("lambda: 1", "(Lambda) is not allowed"),
        ("'text'", "(Constant) is not allowed"),
        ("1j", "(Constant) is not allowed"),
        ("sqrt(x=4)", "(Call) is not allowed"),
        ("2 << 3", "is not allowed"),
        ("sqrt(1, 2, 3, 4)", "cannot be evaluated"),
        ("-" * 3000 + "1", "nested too deeply"),
        ("(" * 3000, "is not an expression"),
    ],
)
def test_what_is_no_arithmetic_is_refused_and_quoted(text, part):
    with pytest.raises(RuleError) as error:
        evaluate(text, {"gamma": 0.6})
    assert part in str(error.value)
    assert repr(text)[1:20].rstrip("'") in str(error.value)


@given(st.text(max_size=40))
def test_any_text_gives_a_value_or_a_rule_error(text):
    with contextlib.suppress(RuleError):
        evaluate(text, {"N": 3})


def test_draws_have_the_shape_and_the_distribution_named():
    shape = (400, 300)
    signs = draw("signs()", names={}, rng=rng(), shape=shape)
    normal = draw("normal(1, 1/sqrt(N))", names={"N": 4}, rng=rng(), shape=shape)
    uniform = draw("uniform(-1, 3)", names={}, rng=rng(), shape=shape)
    binary = draw("binary(p)", names={"p": 0.2}, rng=rng(), shape=shape)
    assert {array.shape for array in (signs, normal, uniform, binary)} == {shape}
    assert set(np.unique(signs)) == {-1, 1}
    assert set(np.unique(binary)) == {0, 1}
    error = 5 / np.sqrt(signs.size)  # five standard errors per unit of sd
    assert abs(signs.mean()) < error
    assert abs(normal.mean() - 1) < 0.5 * error
    assert abs(normal.std() - 0.5) < 0.5 * error
    assert abs(uniform.mean() - 1) < 4 / np.sqrt(12) * error
    assert uniform.min() >= -1
    assert uniform.max() <= 3
    assert abs(binary.mean() - 0.2) < 0.4 * error


def test_draws_are_in_base_si_units():
    names = {"v": 3 * mV, "tau": 20 * ms}
    np.testing.assert_allclose(draw("v", names=names, rng=rng(), shape=(2, 3)), np.full((2, 3), 3e-3))
    np.testing.assert_allclose(draw("zeros() + 2*ms", names={}, rng=rng(), shape=(3,)), 2e-3)
    rates = draw("uniform(0, 1)/tau", names=names, rng=rng(), shape=(1000,))
    assert 0 < rates.min() < rates.max() < 50
    assert rates.mean() == pytest.approx(25, rel=0.1)


def test_a_draw_reads_arrays_and_sums_noise_of_its_own():
    cue = rng(1).choice([-1.0, 1.0], (5, 7))
    hebb = draw("cue.T @ cue/N", names={"cue": cue, "N": 7}, rng=rng(), shape=(7, 7))
    np.testing.assert_allclose(hebb, cue.T @ cue / 7)
    flipped = draw("cue*(1 - 2*binary(0.5))", names={"cue": cue}, rng=rng(), shape=(5, 7))
    assert set(np.unique(flipped)) == {-1, 1}
    assert not np.array_equal(flipped, cue)


def test_an_identity_matrix_starts_recursive_least_squares():
    p = draw("eye()/alpha", names={"alpha": 0.5}, rng=rng(), shape=(4, 4))
    np.testing.assert_array_equal(p, np.eye(4) / 0.5)
    mixed = draw("eye()/tau + uniform(0, 1)*0", names={"tau": 20 * ms}, rng=rng(), shape=(3, 3))
    np.testing.assert_allclose(mixed, 50 * np.eye(3))


@pytest.mark.parametrize("shape", [(4, 5), (4,)])
def test_an_identity_matrix_that_is_not_square_is_refused(shape):
    with pytest.raises(
        RuleError, match=r"'eye\(\)' cannot be evaluated: eye\(\) is an identity matrix.*needed here is"
    ):
        draw("eye()", names={}, rng=rng(), shape=shape)


def test_the_same_generator_state_gives_the_same_draw_and_two_calls_differ():
    first = draw("signs()*signs()", names={}, rng=rng(3), shape=(50,))
    np.testing.assert_array_equal(first, draw("signs()*signs()", names={}, rng=rng(3), shape=(50,)))
    assert set(np.unique(first)) == {-1, 1}


def test_a_draw_may_be_changed_without_changing_another():
    array = draw("1", names={}, rng=rng(), shape=(3,))
    array[0] = 5
    np.testing.assert_array_equal(array, [5, 1, 1])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("cue", "has shape (5, 7); needed is (7, 7)"),
        ("cue @ cue", "cannot be evaluated"),
        ("log(0)", "not finite"),
        ("normal(0, -1)", "needs sd >= 0"),
        ("uniform(1, 0)", "low is above high"),
        ("binary(2)", "needs 0 <= p <= 1"),
        ("gauss(0, 1)", "unknown function 'gauss'"),
        ("normal(0)", "cannot be evaluated"),
        ("que.T", "unknown name 'que'. Did you mean 'cue'?"),
    ],
)
def test_a_draw_that_cannot_fill_its_array_is_refused(text, part):
    with pytest.raises(RuleError) as error:
        draw(text, names={"cue": np.ones((5, 7))}, rng=rng(), shape=(7, 7))
    assert part in str(error.value)


@pytest.fixture(scope="module")
def model():
    return get_model("kurikawa2020")


def test_defaults_are_resolved_in_the_order_of_their_dependence(model):
    values = resolve_parameters(model, {})
    assert list(values) == [item.name for item in model.parameters]
    assert values["eps"] == pytest.approx(0.03 / 100)
    assert values["T_learn"] == 100 * 25 * ms
    assert isinstance(values["N"], int)
    assert values["test_epochs"] == (1, 2, 5)


def test_an_override_reaches_the_texts_that_read_it(model):
    values = resolve_parameters(model, {"N": 200, "tau": 10 * ms, "T_learn": "600*tau", "M": "N//5"})
    assert values["eps"] == pytest.approx(0.03 / 200)
    assert values["T_learn"] == 6 * second
    assert values["M"] == 40


@pytest.mark.parametrize(
    ("given_value", "name", "expected"),
    [
        (30.0, "M", 30),
        (np.int64(30), "M", 30),
        ("30", "M", 30),
        (4, "beta", 4.0),
        ("30*ms", "tau", 30 * ms),
        ("0.5", "gamma", 0.5),
        ((), "test_epochs", ()),
        ("()", "test_epochs", ()),
        ("(1, 3)", "test_epochs", (1, 3)),
        ("1,3", "test_epochs", (1, 3)),
        (range(1, 4), "test_epochs", (1, 2, 3)),
        (np.array([1, 3]), "test_epochs", (1, 3)),
        (3, "test_epochs", (3,)),
    ],
)
def test_a_value_becomes_the_kind_of_its_default(model, given_value, name, expected):
    value = resolve_parameters(model, {name: given_value})[name]
    assert type(value) is type(expected)
    assert value == expected


SEVERAL = ([0.1, 0.2], (0.1, 0.2), [0.1], range(3), np.array([0.1, 0.2]), {0.1, 0.2}, "0.1, 0.2", [[1], [1, 2]])


@pytest.mark.parametrize(
    ("overrides", "part"),
    [
        ({"gama": 0.6}, "has no parameter 'gama'. Did you mean 'gamma'?"),
        ({"M": 20.5}, "parameter 'M': 20.5 must be a whole number, as its default 20 is"),
        ({"M": (1, 2)}, "must be one number"),
        ({"tau": 25}, "25 (no unit) must have the unit of its default 25. * msecond (s)"),
        ({"tau": 25 * mV}, "must have the unit of its default"),
        ({"gamma": "5*ms"}, "must have the unit of its default 0.6 (no unit)"),
        ({"gamma": np.inf}, "inf is not finite"),
        ({"tau": np.nan * ms}, "is not finite"),
        *(({"gamma": several}, "must be one number, such as its default 0.6. To run") for several in SEVERAL),
        ({"gamma": [0.1, 0.2]}, "use brainmem.sweep(model, parameters={'gamma': [...]}, store='folder')"),
        ({"tau": [20, 30] * ms}, "must be one number, such as its default 25. * msecond"),
        ({"gamma": True}, "True is not a number"),
        ({"gamma": "True"}, "'True' is true or false and not a number: write int(True)"),
        ({"gamma": "M > 3"}, "write int(M > 3), which is 1 or 0"),
        ({"gamma": {"a": 1}}, "{'a': 1} is not a number"),
        ({"gamma": "high"}, "unknown name 'high'"),
        ({"gamma": "((9**999)**999)**999"}, "larger than any number that can be computed with"),
        ({"test_epochs": [1, 2] * ms}, "must be a whole number"),
        ({"test_epochs": [[1], [1, 2]]}, "[1] must be a whole number"),
        ({"gamma": np.ones((2, 2))}, "is not a number"),
        ({"gamma": None}, "None is not a number"),
        ({"test_epochs": (1, 2.5)}, "2.5 must be a whole number"),
        ({"tau": "T_learn/100"}, "depend on each other in a circle"),
        ({"gamma": "gamma + 1"}, "depend on each other in a circle: gamma = 'gamma + 1'"),
        ({"eps": "0.03/NN"}, "parameter 'eps': '0.03/NN': unknown name 'NN'"),
        ({"eps": "0.03/"}, "parameter 'eps': '0.03/' is not an expression"),
    ],
)
def test_a_value_that_cannot_stand_for_its_parameter_is_refused(model, overrides, part):
    with pytest.raises(RuleError) as error:
        resolve_parameters(model, overrides)
    assert str(error.value).startswith("Model 'kurikawa2020'")
    assert part in str(error.value)


def test_a_translation_may_add_parameters_of_its_own(model):
    more = (*model.parameters, Parameter("rate_max", 100 * Hz))
    assert resolve_parameters(model, {"rate_max": 80 * Hz}, parameters=more)["rate_max"] == 80 * Hz
    with pytest.raises(RuleError, match="has no parameter 'rate_max'"):
        resolve_parameters(model, {"rate_max": 80 * Hz})


def test_every_function_takes_units_as_brian2_does():
    values = {"x": 0.3}
    for name in ("sqrt", "exp", "log", "log10", "sin", "cos", "tan", "tanh", "sinh", "cosh", "arctan", "abs"):
        expected = getattr(brian2, name, abs)(0.3)
        assert float(evaluate(f"{name}(x)", values)) == pytest.approx(float(expected), rel=1e-14), name
    assert isinstance(evaluate("abs(-3*ms)", {}), Quantity)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(2e-10, "amp", "200 pA"), (1.2345678e-3, "volt", "1.235 mV"), (0.0, "amp", "0 A"), (3.0, "1", "3")],
)
def test_numbers_with_units_are_short(value, unit, shown):
    assert with_unit(value, unit) == shown

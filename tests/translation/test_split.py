"""What the event split writes: texts, refusals, and the mean of random polynomials."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainmem import Spiking, get_model, translate
from brainmem.errors import TranslationError
from brainmem.translation.split.core import RateReading, SplitRule, split_rule
from brainmem.translation.split.correlations import Correlations
from brainmem.translation.split.notes import describe_split
from brainmem.translation.split.terms import UnitNoise

SIGNED = RateReading("x", "-1", "1", "x_s", "x_expected", tau="tau")
NAMED = RateReading("x", "x_lo", "x_hi", "x_s", "x_expected", tau="tau")
RATE = RateReading("r", 0, 1, "r_s", "r_expected", tau="tau")
HERTZ = RateReading("r", 0, "14*Hz", "r_s", "r_expected", tau="tau")

DELTA = "plastic*(eps/tau)*(target_post - x_post)*(x_pre - u_post*w)"
OJA = "eta*(r_pre*r_post - alpha*r_post**2*w)"
BCM = "eta*r_pre*r_post*(r_post - theta_post)"


def split(text: str, reading: RateReading = RATE, **options) -> SplitRule:
    return split_rule("w", text, "1", pre=reading, post=reading, **options)


def texts(rule: SplitRule) -> tuple[str, str, str]:
    return rule.on_pre, rule.on_post, rule.clocked


@pytest.mark.parametrize(
    ("rule", "reading", "options", "expected"),
    [
        (
            DELTA,
            SIGNED,
            {},
            (
                "plastic*(eps/tau)*(2*target_post - x_post + 1)*count_pre/rate_max",
                "plastic*(eps/tau)*(2*u_post*w - x_pre + 1)*count_post/rate_max",
                "-plastic*(eps/tau)*(target_post + 1)*(u_post*w + 1)",
            ),
        ),
        (
            DELTA,
            NAMED,
            {},
            (
                "0.5*plastic*(eps/tau)*(x_hi - x_lo)*(2*target_post - x_post - x_lo)*count_pre/rate_max",
                "0.5*plastic*(eps/tau)*(x_hi - x_lo)*(2*u_post*w - x_pre - x_lo)*count_post/rate_max",
                "plastic*(eps/tau)*(x_lo - target_post)*(u_post*w - x_lo)",
            ),
        ),
        (
            "eta*r_pre*r_post",
            RATE,
            {},
            ("0.5*eta*r_post*count_pre/rate_max", "0.5*eta*r_pre*count_post/rate_max", ""),
        ),
        ("eta*r_pre*r_post", RATE, {"pairing": "causal"}, ("", "eta*r_pre*count_post/rate_max", "")),
        ("eta*r_pre*r_post", RATE, {"pairing": "anticausal"}, ("eta*r_post*count_pre/rate_max", "", "")),
        (
            "(r_pre - theta)*(r_post - theta)/tau_w",
            RATE,
            {},
            (
                "0.5*(r_post - 2*theta)*count_pre/rate_max/tau_w",
                "0.5*(r_pre - 2*theta)*count_post/rate_max/tau_w",
                "theta**2/tau_w",
            ),
        ),
        (
            OJA,
            RATE,
            {},
            (
                "0.5*eta*r_post*count_pre/rate_max",
                "0.5*eta*(r_pre - 2*r_expected_post*alpha*w)*count_post/rate_max",
                "",
            ),
        ),
        (
            OJA,
            RATE,
            {"neuron": "poisson"},
            ("0.5*eta*r_post*count_pre/rate_max", "0.5*eta*(r_pre - 2*r_post*alpha*w)*count_post/rate_max", ""),
        ),
        (
            BCM,
            RATE,
            {},
            (
                "0.5*eta*r_post*(r_expected_post - theta_post)*count_pre/rate_max",
                "0.5*eta*r_pre*(r_expected_post - theta_post)*count_post/rate_max",
                "",
            ),
        ),
        (
            BCM,
            RATE,
            {"neuron": "poisson"},
            (
                "-0.5*eta*r_post*theta_post*count_pre/rate_max",
                "0.5*eta*r_pre*(2*r_post - theta_post)*count_post/rate_max",
                "",
            ),
        ),
        (
            "third_post*r_pre*r_post",
            HERTZ,
            {},
            ("7*third_post*r_post*Hz*count_pre/rate_max", "7*third_post*r_pre*Hz*count_post/rate_max", ""),
        ),
        (
            "A*(2*r_pre - 1)*(2*r_post - 1)",
            RATE,
            {},
            ("2*A*(r_post - 1)*count_pre/rate_max", "2*A*(r_pre - 1)*count_post/rate_max", "A"),
        ),
        ("-eta*r_post**3", RATE, {"neuron": "poisson"}, ("", "-eta*r_expected_post**2*count_post/rate_max", "")),
        ("-eta*r_post**3", RATE, {"read": "event"}, ("", "-eta*r_post**2*count_post/rate_max", "")),
        (
            "eta*(x_post**3/3 - h*x_post)",
            SIGNED,
            {},
            (
                "",
                "2*eta*(x_expected_post**2 - x_expected_post - 3*h + 1)*count_post/rate_max/3",
                "eta*(3*h - 1)/3",
            ),
        ),
    ],
)
def test_the_split_writes_these_texts(rule, reading, options, expected):
    assert texts(split(rule, reading, **options)) == expected


def test_functions_without_a_rate_and_factors_in_front_stay_as_they_were_written():
    rule = split("int(i != j)*clip(w/(a + b), 0, w_max)*(r_pre - exp(-w/w0))*r_post")
    assert rule.on_pre == "0.5*int(i != j)*clip(w/(a + b), 0, w_max)*r_post*count_pre/rate_max"
    assert rule.on_post == "0.5*int(i != j)*clip(w/(a + b), 0, w_max)*(r_pre - 2*exp(-w/w0))*count_post/rate_max"


def test_a_sum_without_a_common_factor_keeps_its_decay_clocked():
    assert split("eta*r_pre*r_post - w/tau_w").clocked == "-w/tau_w"


def test_a_rule_without_rates_stays_as_it_is():
    assert texts(split("-(w - w0)/tau_w")) == ("", "", "-(w - w0)/tau_w")


def test_a_rule_that_cancels_leaves_nothing():
    assert texts(split("r_pre*(r_post + 1) - r_pre - r_post*r_pre")) == ("", "", "")


def test_a_rate_without_suffix_is_the_postsynaptic_one():
    assert texts(split("eta*r_pre*r")) == texts(split("eta*r_pre*r_post"))


def test_a_name_declared_continuous_is_read_as_it_is():
    rule = split("eta*r_pre*r_post", continuous={"r_post"})
    assert texts(rule) == ("eta*r_post*count_pre/rate_max", "", "")


def test_terms_with_a_summed_input_stay_on_the_clock_and_the_others_become_spikes():
    rule = split(DELTA, SIGNED, correlations=Correlations(frozenset({"u_post"})))
    assert texts(rule) == (
        "plastic*(eps/tau)*(2*target_post - x_post + 1)*count_pre/rate_max",
        "plastic*(eps/tau)*(1 - x_pre)*count_post/rate_max",
        "plastic*(eps/tau)*(x_post*u_post*w - target_post - target_post*u_post*w - 1)",
    )


def test_a_summed_input_in_front_keeps_the_whole_rule_on_the_clock():
    assert (
        split("u_post*r_pre*r_post", correlations=Correlations(frozenset({"u_post"}))).clocked == "u_post*r_pre*r_post"
    )


def test_a_side_without_a_rate_carries_nothing():
    rule = split_rule("w", "eta*r_pre*r_post", "1", pre=RATE, post=None)
    assert texts(rule) == ("eta*r_post*count_pre/rate_max", "", "")


def test_reading_from_traces_returns_the_rule_verbatim():
    for text in (OJA, "exp(-r_pre)*r_post", "eta*int(r_post > 0)/(1 + r_pre)"):
        assert texts(split(text, read="trace")) == ("", "", text)


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("eta*exp(r_pre)*r_post", "exp(r_pre)"),
        ("eta*int(r_post > 0)*r_pre", "int(r_post > 0)"),
        ("abs(r_post - r_pre)", "abs(r_post - r_pre)"),
        ("eta/(1 + r_post)", "1 + r_post"),
        ("eta*r_pre**0.5", "r_pre**0.5"),
        ("eta*r_pre**n", "r_pre**n"),
        ("eta**r_post", "eta**r_post"),
        ("r_post % 2", "r_post % 2"),
    ],
)
def test_a_rate_inside_a_function_is_refused_with_the_ways_out(rule, part):
    with pytest.raises(TranslationError) as error:
        split(rule)
    for said in (f"dw/dt = {rule}", repr(part), "read='trace'", "read='drive'", "SpikingRule"):
        assert said in str(error.value)


def test_reading_from_the_drive_also_serves_functions_of_rates():
    rule = split("eta*int(x_post > 0)*x_pre", SIGNED, read="drive")
    assert rule.on_pre == "2*eta*int(x_expected_post > 0)*count_pre/rate_max"
    assert rule.clocked == "-eta*int(x_expected_post > 0)"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"read": "events"}, "Did you mean 'event'"),
        ({"pairing": "symetric"}, "Did you mean 'symmetric'"),
    ],
)
def test_options_outside_the_list_are_refused(options, said):
    with pytest.raises(TranslationError, match=said):
        split("r_pre", **options)


def test_a_misspelt_neuron_is_refused_before_a_rule_is_split():
    with pytest.raises(TranslationError, match=r"neuron='poison' is not allowed; .*Did you mean 'poisson'"):
        translate(get_model("kurikawa2020"), Spiking(neuron="poison"))


def test_text_that_is_no_expression_is_refused():
    with pytest.raises(TranslationError, match="not an expression"):
        split("eta*(r_pre")


def test_an_empty_range_is_refused():
    with pytest.raises(TranslationError, match="must differ"):
        split("x_pre", RateReading("x", "a", "a"))


def test_the_drive_is_asked_for_only_where_there_is_one():
    bare = RateReading("r", 0, 1, "r_s", "", tau="tau")
    with pytest.raises(TranslationError, match="needs the drive of r"):
        split("r_post**2", bare, read="drive")
    assert split("r_post**2", bare).on_post == "r_post*count_post/rate_max"


def readings(rule: SplitRule) -> dict[str, tuple[str, str]]:
    return {term.monomial: (term.reading, term.bias) for term in rule.terms}


def test_the_reading_of_each_term_and_its_bias_follow_the_theory():
    assert readings(split(OJA)) == {"r_post**2": ("drive", "0"), "r_pre*r_post": ("event", "0")}
    assert readings(split(OJA, read="event"))["r_post**2"] == ("event", "-(1 - F)*b")
    assert readings(split(OJA, read="trace"))["r_post**2"] == ("trace", "+F*b")
    assert readings(split("r_post**3", read="event"))["r_post**3"] == ("event", "(3*F - 2)*nu*b")
    assert readings(split("r_post**3", read="trace"))["r_post**3"] == ("trace", "+3*F*nu*b")
    assert readings(split("exp(r_post)", read="trace"))["exp(r_post)"] == ("trace", "unknown")


def test_poisson_units_read_every_term_without_bias_by_default():
    for pairing in ("symmetric", "causal", "anticausal"):
        rule = split("(r_pre + r_post + r_pre**2)*(1 + r_post + r_post**2)", neuron="poisson", pairing=pairing)
        assert all(term.relative_bias(UnitNoise(1, 20, 1, 0.02)) == 0 for term in rule.terms)


def test_lif_units_read_every_term_without_bias_by_default():
    rule = split("(r_pre + r_post**2)**2")
    assert {term.bias for term in rule.terms} == {"0"}


def test_shares_of_every_term_sum_to_one():
    for pairing in ("symmetric", "causal", "anticausal"):
        rule = split("(1 + r_pre + r_pre**2)*(1 + r_post + r_post**3)", pairing=pairing)
        assert len(rule.terms) == 9
        assert all(sum(share.weight for share in term.shares) == Fraction(1) for term in rule.terms)


NOISE = UnitNoise(F=0.2, rate_hz=50, cells_per_unit=4, tau_s=0.025)


def test_the_description_names_carrier_source_and_bias():
    line, _ = describe_split(split(OJA, read="event"), NOISE)
    assert line == (
        "w: term r_post**2: at post spikes, r_post from its trace; "
        "bias -(1 - F)*b = -8 % (F = 0.2, 50 Hz, 4 cells per unit, tau = 25 ms)"
    )
    assert describe_split(split(OJA), NOISE) == (
        "w: term r_post**2: at post spikes, r_post from its drive; no bias",
        "w: term r_pre*r_post: half at pre spikes, r_post from its trace; "
        "half at post spikes, r_pre from its trace; no bias",
    )


def test_the_bias_of_each_factor_has_the_noise_of_its_own_population():
    other = UnitNoise(F=0.5, rate_hz=10, cells_per_unit=1, tau_s=0.1)
    rule = split("eta*r_pre**2*r_post**3", read="trace")
    (term,) = rule.terms
    pre, post = 0.2 / (2 * 0.025 * 50 * 4), 3 * 0.5 / (2 * 0.1 * 10 * 1)
    assert term.relative_bias(NOISE, other) == pytest.approx(pre + post)
    assert term.relative_bias(other, NOISE) == pytest.approx(0.5 / (2 * 0.1 * 10) + 3 * 0.2 / (2 * 0.025 * 50 * 4))
    (line,) = describe_split(rule, NOISE, other)
    assert line.endswith(
        "bias +F*b/nu**2 of r_pre +3*F*b/nu**2 of r_post = +77 % "
        "(r_pre: F = 0.2, 50 Hz, 4 cells per unit, tau = 25 ms; r_post: F = 0.5, 10 Hz, 1 cell per unit, tau = 100 ms)"
    )
    (line,) = describe_split(split("eta*r_post**2*w", read="event"), NOISE, other)
    assert line.endswith(
        "bias -(1 - F)*b/nu**2 of r_post = -25 % (r_post: F = 0.5, 10 Hz, 1 cell per unit, tau = 100 ms)"
    )


def test_a_split_rule_can_be_sent_to_another_process():
    rule = split(DELTA, SIGNED)
    assert pickle.loads(pickle.dumps(rule)) == rule


coefficients = st.sampled_from(["a", "w", "(a + w)", "-w", "exp(-w)", "0.3", "2", "u_post*w", "1/tau"])
powers = st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(lambda pair: sum(pair) <= 4)


@st.composite
def rules(draw) -> str:
    terms = draw(st.lists(st.tuples(coefficients, powers), min_size=1, max_size=3))
    total = " + ".join(f"{c}*(x_pre - 0.25)**{a}*x_post**{b}" for c, (a, b) in terms)
    return draw(
        st.sampled_from(["{}", "eta*({})", "-({})/tau", "eta*x_post*({})", "gate*(eps/tau)*(x_pre - w)*({})"])
    ).format(total)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    text=rules(),
    ends=st.sampled_from([(0, 1), ("-1", "1"), ("x_lo", "x_hi"), ("-0.5", "2*x_hi"), ("0", "14*Hz")]),
    read=st.sampled_from(["auto", "event", "drive"]),
    pairing=st.sampled_from(["symmetric", "causal", "anticausal"]),
    neuron=st.sampled_from(["lif", "poisson"]),
)
def test_spikes_at_their_mean_give_back_any_polynomial(text, ends, read, pairing, neuron):
    """Evaluated as numbers: independent of the pass's own symbolic check."""
    rule = split(text, RateReading("x", *ends, "x_s", "x_expected"), read=read, pairing=pairing, neuron=neuron)
    values = {
        "a": 1.7, "w": -0.6, "u_post": 0.9, "tau": 2.3, "eta": 0.11, "gate": 1.0, "eps": 0.7, "x_lo": -0.3, "x_hi": 1.9,
        "Hz": 0.2, "rate_max": 90.0, "s_pre": 0.37, "s_post": 0.81,
    }  # fmt: skip
    low, high = (float(number(str(end), values)) for end in ends)
    for side in ("pre", "post"):
        s = values[f"s_{side}"]
        values |= {f"x_{side}": low + (high - low) * s, f"count_{side}": values["rate_max"] * s}
        values[f"x_expected_{side}"] = values[f"x_{side}"]
    split_drift = sum(number(part, values) for part in texts(rule) if part)
    assert split_drift == pytest.approx(number(text, values), rel=1e-9, abs=1e-9)


def number(text: str, values: dict[str, float]) -> float:
    return eval(text, {"exp": math.exp}, values)

"""What the noise of summed inputs adds to a rule: the printed formula against Poisson units."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from brainmem import LearningRule, translate
from brainmem.translation.inputs import correlations
from brainmem.translation.neurons import spiking_unit
from brainmem.translation.split.core import RateReading, SplitRule, split_rule
from tests.support.rule_models import UNITS, network, rule
from tests.support.two_populations import notes, two_populations

RATE_MAX, TAU, DT, CELLS, GAIN = 100.0, 0.02, 0.0005, 4, 2.0
INPUTS, PAIRS, STEPS, WARM_UP = 10, 400, 6000, 200
READING = RateReading("r", 0, 1, "r_s", "r_expected", tau="tau")
MODEL = two_populations()
FORWARD = MODEL.projection("forward")
KNOWN = correlations(MODEL, FORWARD, {p.name: spiking_unit(MODEL, p) for p in MODEL.populations})


PROMPT = replace(READING, expected="r_prompt", prompt=True)


def split(text: str, *, reading: RateReading = READING, **options) -> SplitRule:
    return split_rule("w", text, "1", pre=reading, post=reading, correlations=KNOWN, **options)


RULES = {
    "rate and input of one unit": ("r_post*u_post*w", {}, "phi'*Var(u_post)/2"),
    "rate and one of the inputs": ("r_pre*u_post", {}, "w*Var(r_pre)"),
    "square of the input": ("u_post**2", {}, "Var(u_post)"),
    "input squared and rate": ("r_post*u_post**2", {}, "Var(u_post)*r_post + phi'*Var(u_post)*u_post"),
    "all three": (
        "r_pre*r_post*u_post",
        {},
        "w*Var(r_pre)*r_post + phi'*Var(u_post)*r_pre/2 + phi'*w*Var(r_pre)*u_post/2",
    ),
    "expected rate": ("r_post**2*u_post", {}, "phi'*Var(u_post)*r_post + phi'**2*Var(u_post)*u_post/2"),
    "prompt rate": (
        "r_post**2*u_post",
        {"reading": PROMPT},
        "3*phi'*Var(u_post)*r_post/2 + phi'**2*Var(u_post)*u_post/2",
    ),
    "pair": ("r_pre*r_post", {}, "phi'*w*Var(r_pre)/2"),
    "causal pair": ("r_pre*r_post", {"pairing": "causal"}, "phi'*w*Var(r_pre)"),
    "anticausal pair": ("r_pre*r_post", {"pairing": "anticausal"}, ""),
    "pair of traces": ("r_pre*r_post", {"read": "trace"}, "phi'*w*Var(r_pre)/2"),
    "square of spikes and expected rate": ("r_post**2", {}, "phi'**2*Var(u_post)/2"),
    "square of spikes and prompt rate": ("r_post**2", {"reading": PROMPT}, "phi'**2*Var(u_post)"),
    "square of spikes and trace": ("r_post**2", {"read": "event"}, "phi'**2*Var(u_post)/2"),
    "square of traces": ("r_post**2", {"read": "trace"}, "phi'**2*Var(u_post)/2"),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_the_noise_of_inputs_is_written_as_a_formula(name):
    text, options, noise = RULES[name]
    (term,) = split(text, **options).terms
    assert term.noise == noise


@dataclass(frozen=True)
class Measured:
    """Means of every pair of units, and the drift of every rule, each over time, (pair,)."""

    means: dict[str, np.ndarray]
    drift: dict[str, np.ndarray]
    slope: float
    rates: np.ndarray
    weights: np.ndarray


def phi(u: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-GAIN * u))


@pytest.fixture(scope="module")
def measured() -> Measured:
    """Simulate Poisson units that sum the traces of ten others, which fire independently at constant rates."""
    rng = np.random.default_rng(4)
    weights = rng.normal(size=INPUTS)
    weights[0] = 0.8
    weights /= np.linalg.norm(weights)
    rates = rng.uniform(0.3, 0.7, INPUTS)
    code = {
        name: [compile(part or "0", name, "eval") for part in (rule.clocked, rule.on_pre, rule.on_post)]
        for name, (text, options, _) in RULES.items()
        for rule in [split(text, **options)]
    }
    s, y = np.tile(rates, (PAIRS, 1)), np.full(PAIRS, phi(rates @ weights))
    m = y
    sums, drift, slope = {"r_pre": 0.0, "r_post": 0.0, "u_post": 0.0}, dict.fromkeys(RULES, 0.0), 0.0
    for step in range(STEPS):
        u = s @ weights
        pre, post = (rng.binomial(CELLS, RATE_MAX * DT * x) / CELLS for x in (np.tile(rates, (PAIRS, 1)), phi(u)))
        if step >= WARM_UP:
            names = {"r_pre": s[:, 0], "r_post": y, "u_post": u, "w": weights[0]}
            names |= {"r_expected_post": m, "r_prompt_post": phi(u)}
            names |= {"count_pre": pre[:, 0], "count_post": post, "rate_max": RATE_MAX}
            for name, (clocked, on_pre, on_post) in code.items():
                drift[name] += eval(clocked, names) + (eval(on_pre, names) + eval(on_post, names)) / DT
            sums = {name: total + names[name] for name, total in sums.items()}
            slope += np.mean(GAIN * phi(u) * (1 - phi(u)))
        s = s * (1 - DT / TAU) + pre / (TAU * RATE_MAX)
        y = y * (1 - DT / TAU) + post / (TAU * RATE_MAX)
        m = m + (phi(u) - m) * DT / TAU
    steps = STEPS - WARM_UP
    mean = {name: total / steps for name, total in sums.items()}
    return Measured(mean, {name: x / steps for name, x in drift.items()}, slope / steps, rates, weights)


def predicted(measured: Measured, name: str) -> float:
    """Evaluate the printed formula, and add the bias that the spikes of the unit itself leave."""
    text, options, noise = RULES[name]
    variance = measured.rates / (2 * TAU * RATE_MAX * CELLS)
    known = {"Var(u_post)": measured.weights**2 @ variance, "Var(r_pre)": variance[0], "phi'": measured.slope}
    for symbol, value in known.items():
        noise = noise.replace(symbol, repr(float(value)))
    values = {key: x.mean() for key, x in measured.means.items()} | {"w": measured.weights[0]}
    (term,) = split(text, **options).terms
    own = float(sum(term.coefficients("post"))) / (2 * TAU * RATE_MAX * CELLS * values["r_post"])
    factor = values["w"] if text.endswith("*w") else 1.0
    return factor * eval(noise or "0", values) + own * eval(text, values)


@pytest.mark.parametrize("name", RULES)
def test_the_drift_of_poisson_units_is_off_by_the_formula(measured, name):
    values = {**measured.means, "w": measured.weights[0]}
    off = measured.drift[name] - eval(RULES[name][0], values)
    error = off.std(ddof=1) / np.sqrt(PAIRS)
    expected = predicted(measured, name)
    # In steps of DT filters are off by DT/TAU, spikes more regular by the rate times DT; means over a run correlate.
    remainder = 0.06 * abs(expected) + 2e-4
    assert abs(off.mean() - expected) < 3 * error + remainder, (off.mean(), expected, error)
    if expected:
        assert abs(expected) > 3 * error + 2 * remainder, "the noise adds too little to be told from nothing"


def test_an_input_that_is_not_the_whole_drive_is_named_by_its_covariance():
    model = two_populations()
    fast = model.population("fast")
    text = fast.equations.replace("phi = 1/(1 + exp(-u))", "drive = 2*u : 1\nphi = 1/(1 + exp(-drive))")
    changed = model.replace(
        populations=(model.population("slow"), fast.__class__(**{**vars(fast), "equations": text, "drive": "drive"}))
    )
    known = correlations(changed, FORWARD, {p.name: spiking_unit(changed, p) for p in changed.populations})
    assert known.with_drive["u_post"] == "Cov(u_post, drive_post)"
    assert known.with_drive["drive_post"] == "Var(drive_post)"
    assert known.with_trace["u_post"] == "w*Var(r_pre)"
    assert known.with_trace["drive_post"] == "Cov(r_pre, drive_post)"


def test_inputs_are_summed_variables_drives_and_what_follows_them_but_not_the_transfer():
    assert KNOWN.inputs == {"u_pre", "u_post"}
    (units,) = [p for p in MODEL.populations if p.name == "fast"]
    assert units.transfer == "phi"


def test_a_function_of_an_input_has_an_unknown_bias():
    (term,) = split("tanh(u_post)*r_pre").terms
    assert (term.monomial, term.bias, term.noise) == ("tanh(u_post)*r_pre", "unknown", "")


def test_powers_of_an_input_are_told_apart():
    rule = split("(u_post - theta)**2*r_pre")
    assert [term.monomial for term in rule.terms] == ["r_pre", "u_post*r_pre", "u_post**2*r_pre"]
    assert [term.noise for term in rule.terms] == ["", "w*Var(r_pre)", "Var(u_post)*r_pre + 2*w*Var(r_pre)*u_post"]


def test_the_notes_say_what_the_symbols_are():
    model = MODEL.replace(rules=(LearningRule("taught", "forward", continuous="dw/dt = eta*r_post*u_post : 1"),))
    assert notes(model)["u_post*r_post"].endswith(
        "no bias from the units' own spikes; the noise of inputs adds phi'*Var(u_post)/2"
    )
    text = str(translate(model, "spiking"))
    assert "dw/dt = eta*u_post*r_post : 1 (clock-driven)" in text


def test_a_drive_that_no_rate_reaches_brings_no_noise():
    """Where units see stimuli alone, their rates follow no noise of inputs, whatever powers a rule takes."""
    seen = network(rule("eta*(x_pre*x_post**2 + drive_post*x_post)"))
    alone = seen.replace(
        populations=(replace(seen.population("units"), equations=UNITS.replace("c + u", "c").replace("\nu : 1", "")),),
        projections=(replace(seen.projection("recurrent"), current=""),),
    )
    for model, noisy in ((seen, True), (alone, False)):
        (split,) = translate(model, "spiking").splits
        assert any(term.noise for term in split.terms) == noisy

"""Spikes lead their trace: what that adds to a rule while rates change, without any noise.

Spikes are at their mean here, ``count = rate_max*activity*dt``, so that nothing but the lead is left.
"""

from __future__ import annotations

import numpy as np
import pytest

from brainmem import LearningRule, Spiking, explain
from brainmem.translation.split.core import RateReading, SplitRule, split_rule
from brainmem.translation.split.correlations import Correlations
from tests.support.two_populations import two_populations

TAU, RATE_MAX, DT = 0.025, 100.0, 0.00025
RATE = RateReading("x", 0, 1, "x_s", "x_expected", tau="tau")
SIGNED = RateReading("x", -1, 1, "x_s", "x_expected", tau="tau")
KNOWN = Correlations(frozenset({"u_post"}))


def split(text: str, reading: RateReading = RATE, **options) -> SplitRule:
    return split_rule("w", text, pre=reading, post=reading, correlations=KNOWN, **options)


def change(rule: SplitRule, names: dict, dt: float) -> np.ndarray:
    """Return what a rule adds to w in one step."""
    on_pre, on_post, clocked = (eval(text or "0", names) for text in (rule.on_pre, rule.on_post, rule.clocked))
    return on_pre + on_post + clocked * dt


START, END = np.array([0.1, 0.7]), np.array([0.95, 0.25])
PRODUCT = END.prod() - START.prod()


def over_a_transient(text: str, **options) -> tuple[float, float]:
    """Return what a rule adds while both rates go from one value to another: read from spikes, and from traces."""
    rules = (split(text, **options), split(text, read="trace"))
    x, total = START, np.zeros(2)
    for _ in range(round(20 * TAU / DT)):
        names = {"x_pre": x[0], "x_post": x[1], "c": 0.7, "rate_max": RATE_MAX}
        names |= {"count_pre": RATE_MAX * END[0] * DT, "count_post": RATE_MAX * END[1] * DT}
        total += [change(rule, dict(names), DT) for rule in rules]
        x = x + (END - x) * DT / TAU
    return tuple(total)


@pytest.mark.parametrize(
    ("text", "gain"),
    [
        ("c*x_pre", END[0] - START[0]),
        ("c*x_post", END[1] - START[1]),
        ("c*x_pre*x_post", PRODUCT / 2),
        ("c", 0.0),
    ],
)
def test_a_term_at_spikes_gains_tau_times_the_change_of_its_rates(text, gain):
    spikes, traces = over_a_transient(text)
    assert spikes - traces == pytest.approx(TAU * 0.7 * gain, abs=0.02 * TAU)


def test_with_one_carrier_the_whole_lead_is_that_units():
    both = 0.5 * (END - START) * (END + START)[::-1]  # both rates relax with one tau: straight lines
    for pairing, carrier in (("anticausal", 0), ("causal", 1)):
        spikes, traces = over_a_transient("c*x_pre*x_post", pairing=pairing)
        assert spikes - traces == pytest.approx(TAU * 0.7 * both[carrier], abs=0.02 * TAU)
    assert both.sum() == pytest.approx(PRODUCT)


DELTA = "(eps/tau)*(target_post - x_post)*(x_pre - u_post*w)"
UNITS, MAPS, EPOCHS, STEPS, STEP = 40, 6, 8, 150, 0.1


def row_norms(read: str) -> tuple[float, float]:
    """Learn maps with kurikawa2020's rule; return how much the squared row norms grow, and what the lead adds to them.

    With sum_j w_ij x_j = u_i the rule keeps the squared norm n at 1, but for ``2*eps*(target - x)*u*(1 - n)`` that
    pulls it back. While the rates change by dx the lead adds ``2*eps*(target*w.dx + w.(1 - x)*dx/2 + (1 - x)*w.dx/2)``.
    """
    rng = np.random.default_rng(0)
    rule, eps = split(DELTA, SIGNED, read=read), 0.03 / UNITS
    cue, target = rng.choice([-1.0, 1.0], (2, MAPS, UNITS))
    w = rng.normal(size=(UNITS, UNITS)) * (1 - np.eye(UNITS))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    x, gained = rng.uniform(-1, 1, UNITS), 0.0
    for item in [item for _ in range(EPOCHS) for item in rng.permutation(MAPS) for _ in range(STEPS)]:
        u, wanted, row = w @ x, target[item], np.sum(w**2, axis=1)
        count = RATE_MAX * 0.5 * (1 + np.tanh(4 * (u + 0.6 * cue[item]))) * STEP * TAU
        names = {"x_pre": x[None], "x_post": x[:, None], "u_post": u[:, None], "target_post": wanted[:, None]}
        names |= {"w": w, "eps": eps, "tau": TAU, "rate_max": RATE_MAX}
        names |= {"count_pre": count[None], "count_post": count[:, None]}
        dx = -(x + 1) * STEP + 2 * count / (TAU * RATE_MAX)
        gained += np.mean(2 * eps * (wanted - x) * u * (1 - row)) * STEP
        pair = (1 - x) * (w @ dx) + (w @ (1 - x)) * dx
        gained += np.mean(2 * eps * (wanted * (w @ dx) + 0.5 * pair))
        w, x = (w + change(rule, names, STEP * TAU)) * (1 - np.eye(UNITS)), x + dx
    return float(np.mean(np.sum(w**2, axis=1)) - 1), float(gained)


def test_the_lead_moves_the_row_norms_of_a_rule_that_keeps_them_on_traces():
    growth, gained = row_norms("auto")
    still, _ = row_norms("trace")
    assert abs(still) < 2e-3
    assert growth > 10 * abs(still)
    assert abs(growth - gained) < 0.1 * growth + abs(still)


def test_explain_speaks_of_the_lead_where_spikes_carry_a_term():
    model = two_populations()
    spikes = model.replace(rules=(LearningRule("taught", "forward", continuous="dw/dt = eta*r_pre*r_post : 1"),))
    said = "spikes lead their trace by tau"
    assert said in explain(spikes, "spiking", details=True, measured=False)
    assert said not in explain(model, Spiking(read="trace"), details=True, measured=False)

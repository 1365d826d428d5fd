"""The claims of every model hold at `quick` size, in both variants; `full` runs behind a marker."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr

import brainmem.study.claims
from brainmem import BrainmemError, Claim, RuleError, get_model, list_models, measure, reproduce
from brainmem.claims import Experiment, Finding, Row, at_least, at_most, findings, near, within
from brainmem.models import get_claims
from tests.support import synthetic

WITH_CLAIMS = [key for key in list_models() if get_claims(key)]
LONG = {"rajan2016": {"A6", "A8", "S3"}}  # more than half of the time of all; their full size runs behind the marker


def failures(reproduction, variant: str) -> list[str]:
    return [
        f"{row['key']} {row['quantity']}: {row[variant]['value']:.3f}, expected "
        f"{row[variant]['expected_low']} ... {row[variant]['expected_high']}"
        for row in reproduction.rows
        if variant in row and row[variant]["passed"] is False
    ]


@pytest.mark.claims
@pytest.mark.parametrize("variant", ["rate", "spiking"])
@pytest.mark.parametrize("key", WITH_CLAIMS)
def test_the_claims_of_a_model_hold_at_quick_size(key, variant):
    brief = tuple(claim.key for claim in get_claims(key) if claim.key not in LONG.get(key, ()))
    found = reproduce(key, claims=brief, variant=variant)
    checked = [row for row in found.rows if variant in row and row[variant]["passed"] is not None]
    assert len(checked) >= 3
    assert not failures(found, variant)


@pytest.mark.claims
@pytest.mark.full
@pytest.mark.parametrize("variant", ["rate", "spiking"])
@pytest.mark.parametrize("key", WITH_CLAIMS)
def test_the_claims_of_a_model_hold_at_full_size(key, variant):
    found = reproduce(key, size="full", variant=variant)
    assert not failures(found, variant)


def test_a_model_without_claims_says_so(tmp_path):
    (tmp_path / "model.py").write_text("from brainmem.models.kurikawa2020.model import model\n")
    with pytest.raises(BrainmemError, match=r"has no claims yet.*models with claims: agmon2023, deistler2018, kur"):
        reproduce(str(tmp_path))


def test_a_mean_outside_its_tolerance_fails_and_three_standard_errors_widen_it():
    assert not near(0.5, 0.1).holds([0.7, 0.7, 0.7])
    spread = [0.4, 0.7, 1.0]
    slack = 3 * np.std(spread, ddof=1) / math.sqrt(3)
    assert slack > 0.2
    assert near(0.5, 0.1).holds(spread)
    assert not within(0.0, 0.5).holds(spread)
    shifted = [value + 0.25 for value in spread]
    assert not near(0.5, 0.1).holds([value + 0.45 for value in spread])
    assert near(0.5, 0.1, seeds=3).holds(shifted)


def test_a_finding_reports_mean_spread_and_outcome():
    finding = Finding("recalled", (0.8, 1.0), at_least(0.95))
    assert finding.mean == pytest.approx(0.9)
    assert finding.sd == pytest.approx(math.sqrt(0.02))
    assert finding.passed is False
    assert Finding("reported", (1.0,)).passed is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": "ful"}, "Did you mean 'full'"),
        ({"variant": "rates"}, "Did you mean 'rate'"),
        ({"claims": ("C9",)}, "its claims are C1, C2, C3, C4, C5"),
    ],
)
def test_what_cannot_be_reproduced_is_refused_with_what_can(options, says):
    with pytest.raises(BrainmemError, match=says):
        reproduce("kurikawa2020", **options)


# Claims as tables: the runs are made up


def experiment(size="quick", variant="rate", **options) -> Experiment:
    return Experiment(get_model("kurikawa2020"), size=size, variant=variant, device="runtime", **options)


def curve(experiment, seed, M, epochs=3, **more):
    """Return a made-up curve over epochs that tells its point and seed: M + epoch/10 + seed/100."""
    number = np.arange(1, epochs + 1)
    return xr.DataArray(M + number / 10 + seed / 100, {"epoch": number}, ("epoch",))


def found(claim, **case) -> dict:
    """Return (values, expected) of each quantity that a claim finds."""
    return {item.quantity: (item.values, item.expected) for item in findings(claim, experiment(**case))}


def test_a_row_stands_for_each_value_that_its_quantity_names_and_has_a_value_for_each_seed():
    table = near({10: {1: 10.1, 3: 10.3}, 20: {1: 20.1, 3: 0.0}}, 0.05)
    row = found(
        Claim("C", "s", quantity="r, M={M}, n={epoch}", expected=table, points={"M": [10, 20]}, seeds=2, run=curve)
    )
    assert list(row) == ["r, M=10, n=1", "r, M=10, n=3", "r, M=20, n=1", "r, M=20, n=3"]
    assert row["r, M=10, n=3"][0] == pytest.approx((10.3, 10.31))
    passed = [
        item.passed
        for item in findings(
            Claim("C", "s", (Row("r, M={M}, n={epoch}", table),), points={"M": [10, 20]}, run=curve), experiment()
        )
    ]
    assert passed == [True, True, True, False]


def test_a_table_lists_what_is_reported_and_dots_stand_for_the_rest():
    given = {"points": {"M": [10]}, "run": curve}
    listed = found(Claim("C", "s", quantity="n={epoch}", expected={2: None}, **given))
    assert list(listed) == ["n=2"]
    assert listed["n=2"][1] is None
    rest = found(Claim("C", "s", quantity="n={epoch}", expected={1: at_least(0), ...: None}, **given))
    assert [expected is None for _, expected in rest.values()] == [False, True, True]
    whole = found(Claim("C", "s", quantity="n={epoch}", expected=at_least(3), **given))
    assert [expected.low for _, expected in whole.values()] == [3, 3, 3]


def test_fields_may_differ_between_sizes_and_variants():
    claim = Claim(
        "C",
        "s",
        quantity="M={M}",
        measure=lambda curve: curve[-1],
        expected={("full", "rate"): at_least(1), "spiking": at_least(2)},
        points={"quick": {"M": [1]}, ("full", "rate"): {"M": [2, 3]}},
        seeds={"full": 3},
        run=curve,
    )
    assert {name: len(values) for name, (values, _) in found(claim).items()} == {"M=1": 1}
    assert found(claim)["M=1"][1] is None
    full = found(claim, size="full")
    assert {name: (len(values), expected.low) for name, (values, expected) in full.items()} == {
        "M=2": (3, 1),
        "M=3": (3, 1),
    }
    assert found(claim, variant="spiking")["M=1"][1].low == 2
    assert found(claim, size="full", variant="spiking") == {}


def test_the_case_of_both_goes_before_the_size_or_the_variant_and_two_of_these_are_refused():
    both = {"full": at_least(1), "rate": at_least(2)}
    given = {"quantity": "x", "points": {"M": [1]}, "measure": lambda curve: curve[0], "run": curve}
    exact = Claim("C", "s", expected={**both, ("rate", "full"): at_least(3)}, **given)
    assert found(exact, size="full")["x"][1].low == 3
    with pytest.raises(RuleError, match=r"'full' and 'rate' both hold.*Say which by \('full', 'rate'\)"):
        found(Claim("C", "s", expected=both, **given), size="full")


def test_points_may_have_labels_of_which_a_row_takes_some():
    claim = Claim(
        "C",
        "s",
        (
            Row(
                "{name} of {point}",
                {"first": {"few": at_most(1), ...: None}, ...: None},
                lambda c: {"first": c[0], "last": c[-1]},
            ),
            Row("only all", at_least(2), lambda c: c[0], at="all"),
            Row(
                "all over few",
                at_least(2),
                lambda c: c[0],
                lambda table: table.sel(point="all") / table.sel(point="few"),
            ),
        ),
        points={"few": {"M": 1}, "all": {"M": 5}},
        run=curve,
    )
    rows = found(claim)
    assert list(rows) == ["first of few", "last of few", "first of all", "last of all", "only all", "all over few"]
    assert rows["only all"][0] == (5.1,)
    assert rows["all over few"][0] == pytest.approx((5.1 / 1.1,))
    assert [expected is None for _, expected in rows.values()] == [False, True, True, True, False, False]


def test_a_summary_takes_all_points_with_a_dimension_for_each_list_and_for_seeds():
    tables = []

    def summary(table):
        tables.append(table)
        return table.max("M").sel(eps=2.0)

    points = {"M": [3, 1], "eps": [2.0, 1.0], "epochs": 2}
    rows = found(
        Claim("C", "s", (Row("{epochs}, n={epoch}", summary=summary),), points=points, seeds=(4, 7), run=curve)
    )
    assert tables[0].dims == ("M", "eps", "seed", "epoch")
    assert tables[0].seed.values.tolist() == [4, 7]
    assert tables[0].sel(M=1, eps=1.0, seed=7, epoch=2).item() == pytest.approx(1.27)
    assert rows == {"2, n=1": (pytest.approx((3.14, 3.17)), None), "2, n=2": (pytest.approx((3.24, 3.27)), None)}


def test_a_list_of_points_is_taken_one_by_one_and_seeds_may_depend_on_the_point():
    points = [{"M": 1, "epochs": 1}, {"M": 2, "epochs": 2}]
    seeds = {"quick": lambda point: 2 * point["M"]}
    row = Row("M={M}, n={epoch}", None)
    lowest = Row("lowest", None, summary=np.min, at={"M": 2})
    rows = found(Claim("C", "s", (row, lowest), points=points, seeds=seeds, run=curve))
    assert {name: len(values) for name, (values, _) in rows.items()} == {
        "M=1, n=1": 2,
        "M=2, n=1": 4,
        "M=2, n=2": 4,
        "lowest": 1,
    }
    assert rows["lowest"][0] == (2.1,)


def test_dimensions_that_a_quantity_does_not_name_are_further_values():
    rows = found(Claim("C", "s", quantity="x", points={"M": [1]}, seeds=2, run=curve))
    assert rows["x"][0] == pytest.approx((1.1, 1.2, 1.3, 1.11, 1.21, 1.31))
    two = found(Claim("C", "s", quantity="x", measure=lambda c: [c[0], c[1]], points={"M": [1]}, run=curve))
    assert two["x"][0] == pytest.approx((1.1, 1.2))
    last = found(Claim("C", "s", quantity="x, n={epoch}", points={"M": [1]}, run=curve, at={"epoch": (1, 3)}))
    assert list(last) == ["x, n=1", "x, n=3"]


def test_every_run_is_made_once_for_all_rows_and_only_where_a_row_takes_it():
    made = []

    def run(experiment, seed, **point):
        made.append((point["M"], seed))
        return curve(experiment, seed, **point)

    rows = (Row("a", None, lambda c: c[0], at={"M": 1}), Row("b, M={M}", None, lambda c: c[1], at={"M": [1, 2]}))
    found(Claim("C", "s", rows, points={"M": [1, 2, 3]}, seeds=2, run=run))
    assert made == [(1, 0), (1, 1), (2, 0), (2, 1)]


def test_without_a_run_the_protocol_of_the_model_is_run_once_for_all_claims(monkeypatch):
    asked = []

    def simulate(model, variant, *, device, seed, parameters):
        asked.append((model.name, variant, seed, parameters))
        return synthetic.result(variant, seed)

    monkeypatch.setattr(brainmem.study.claims, "simulate", simulate)
    one = experiment()
    recalled = Row(
        "recalled, M={M}, n={epoch}", {6: {2: near(0.5, 0.01), 5: at_least(1)}}, (measure.recall_table, "recalled")
    )
    claims = [Claim(key, "s", (recalled,), points={"M": [6]}, seeds=2) for key in ("C1", "C2")]
    assert all(item.passed for claim in claims for item in findings(claim, one))
    assert [item.quantity for item in findings(claims[0], one)] == ["recalled, M=6, n=2", "recalled, M=6, n=5"]
    assert asked == [("kurikawa2020", "rate", seed, {"M": 6}) for seed in (0, 1)]
    other = get_model("kurikawa2020").replace(name="other")
    again = Claim("C3", "s", quantity="seed", measure="seed", model=other, points={"M": [6]})
    assert [item.values for item in findings(again, one)] == [(0.0,)]
    assert asked[2:] == [("other", "rate", 0, {"M": 6})]
    assert len(one.trained_runs) == 2


def test_a_row_or_a_claim_may_hold_at_one_size_or_variant_only():
    rows = (Row("a", None, lambda c: c[0]), Row("b", None, lambda c: c[0], when=("full", "rate")))
    claim = Claim("C", "s", rows, points={"M": [1]}, run=curve, when="rate")
    assert list(found(claim)) == ["a"]
    assert list(found(claim, size="full")) == ["a", "b"]
    assert found(claim, size="full", variant="spiking") == {}


def test_what_is_no_table_is_a_function_whose_findings_come_behind_those_of_the_rows():
    odd = Claim(
        "C",
        "s",
        (Row("a", None, lambda c: c[0]),),
        points={"M": [1]},
        run=curve,
        experiment=lambda e: [Finding("odd", (e.full,))],
    )
    assert list(found(odd)) == ["a", "odd"]
    assert list(found(Claim("C", "s", experiment=lambda e: (Finding("odd", (1,)),), when="spiking"))) == []


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"quantity": "x, n={epok}"}, r"names 'epok', which is no parameter.*these are M, seed, epoch.*mean 'epoch'"),
        ({"quantity": "x", "expected": {1: at_least(0)}}, "is a table, and the quantity names nothing"),
        ({"quantity": "x", "expected": 0.5}, r"expected=0.5 must be near\(\)"),
        ({"quantity": "x", "measure": lambda c: "high"}, "which is no number, array or mapping"),
        ({"quantity": "x", "at": {"M": 3}}, "M=3 names no point and nothing of the measure; M is 1"),
        ({"quantity": "x", "at": "few"}, "point='few' names no point"),
        ({"quantity": "x, M={M}", "summary": lambda t: t.max(), "points": {"M": [1, 2]}}, "names 'M', which is no"),
        ({"quantity": "x", "points": {"M": []}}, r"points: M=\[\] names no value"),
        (
            {"quantity": "x, n={epoch}, {point}", "points": {"few": {"M": 1}}, "expected": {"few": {1: at_least(0)}}},
            "are values of 'point', and the quantity names 'epoch' before it",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_refused(fields, says):
    with pytest.raises(RuleError, match=says) as refused:
        found(Claim("C7", "s", **{"points": {"M": [1]}, "run": curve, **fields}))
    assert "of Claim 'C7'" in refused.value.__notes__[0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Claim("C", "s"), "Claim 'C' measures nothing"),
        (lambda: Claim("C", "s", (Row("x"),), quantity="y"), "either one quantity or rows"),
        (lambda: Claim("C", "s", Row("x")), r"rows must be a tuple of Row"),
        (lambda: Row("x", when="ful"), r"Row 'x': when='ful' must name sizes.*Did you mean 'full'"),
        (lambda: Claim("C", "s", (Row("x"),), when=("rate", "spikes")), "must name sizes and variants"),
    ],
)
def test_a_claim_that_says_nothing_is_refused_when_it_is_made(make, says):
    with pytest.raises(RuleError, match=says):
        make()


def test_near_of_a_table_is_a_table_whose_tolerance_may_depend_on_the_cell():
    table = near({10: {1: 0.5}, 20: {1: 0.5, 2: 1.0}}, lambda value, M, n: value / M + n, seeds=3)
    assert (table[20][2].low, table[20][2].high) == pytest.approx((1 - 2.05, 1 + 2.05))
    assert table[10][1].high == pytest.approx(0.5 + 1.05)
    assert table[10][1].reference_seeds == 3
    assert near({1: 2.0}, 0.5)[1].low == 1.5


def test_another_protocol_runs_with_the_weights_the_stimuli_and_the_seed_of_a_run(monkeypatch):
    asked = {}
    monkeypatch.setattr(brainmem.study.claims, "simulate", lambda model, variant, **options: asked.update(options))
    trained, model = synthetic.result(seed=3), get_model("kurikawa2020")
    experiment().again(trained, model, epoch=1, parameters={"M": 6})
    assert (asked["seed"], asked["parameters"]) == (3, {"M": 6})
    np.testing.assert_array_equal(asked["weights"]["recurrent"], trained.recurrent_w.values[1])
    assert set(asked["inputs"]) == {"cue", "target"}
    experiment().again(trained, model, seed=5, inputs={"cue": trained.cue.values[::-1]})
    assert asked["seed"] == 5
    np.testing.assert_array_equal(asked["inputs"]["cue"], trained.cue.values[::-1])
    np.testing.assert_array_equal(asked["inputs"]["target"], trained.target.values)
    np.testing.assert_array_equal(asked["weights"]["recurrent"], trained.recurrent_w.values[-1])


def test_a_verdict_reads_the_means_found_and_stands_below_the_table(tmp_path):
    folder = tmp_path / "judged"
    folder.mkdir()
    (folder / "model.py").write_text("from brainmem.models.kurikawa2020.model import model\n")
    (folder / "claims.py").write_text(
        "from brainmem import Claim\n"
        "from brainmem.claims import Row, at_least\n"
        "def run(experiment, seed): return {'published': 20.0 + seed, 'control': 0.0}\n"
        "def say(found): return 'published {published:g}, control {control:g}'.format(**found)\n"
        "rows = (Row('{name}', {'published': at_least(10), 'control': None}, seeds=2),)\n"
        "claims = (Claim('C1', 's', rows, run=run, verdict=say), Claim('C2', 's', rows, run=run, when='spiking'),\n"
        "          Claim('C3', 's', rows, run=run, verdict=lambda found: found['absent']))\n"
    )
    judged = reproduce(str(folder), variant="rate", device="runtime")
    assert judged.remarks[0] == "C1, rate: published 20.5, control 0"
    assert "no verdict: its function failed with KeyError" in judged.remarks[1]
    assert len(judged.verdicts) == 2
    assert len(judged.rows) == 4


def test_an_error_of_one_claim_keeps_the_numbers_of_the_others(tmp_path):
    folder = tmp_path / "counted"
    folder.mkdir()
    (folder / "model.py").write_text("from brainmem.models.kurikawa2020.model import model\n")
    (folder / "claims.py").write_text(
        "from brainmem import Claim\n"
        "from brainmem.claims import Row, at_least\n"
        "def broken(experiment, seed):\n    raise ValueError('no such bump')\n"
        "rows = Row('one', at_least(0.5), run=lambda experiment, seed: 1.0),\n"
        "claims = (Claim('A', 'Holds', rows=rows), Claim('B', 'Breaks', rows=(Row('two', None, run=broken),)))\n"
    )
    said = []
    found = reproduce(str(folder), variant="rate", progress=said.append)
    assert said == ["A, rate: one: 1.000, as expected", "B, rate: no result: ValueError: no such bump"]
    assert not found.passed
    assert found.rows[0]["rate"]["value"] == 1
    assert found.rows[1]["quantity"] == "no result: ValueError: no such bump"
    with pytest.raises(ValueError, match="no such bump"):
        reproduce(str(folder), claims=("B",), variant="rate")


def test_a_measure_that_claims_share_is_taken_once_whatever_is_left_out_and_whoever_asks():
    began, asked, taken = threading.Event(), threading.Event(), []

    def measured(experiment, seed, *, N=10, scheme="none", **others):
        taken.append((seed, N, scheme, others))
        began.set()
        asked.wait(10)
        return len(taken)

    experiment = Experiment(get_model("kurikawa2020"))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(experiment.once, measured, 0)
        began.wait(10)
        second = pool.submit(experiment.once, measured, 0, N=10)
        asked.set()
        assert (first.result(), second.result()) == (1, 1)
    assert experiment.once(measured, 0, scheme="none", N=10) == 1
    assert experiment.once(measured, 0, tau=1) == 2
    assert experiment.once(measured, 1) == 3
    assert taken == [(0, 10, "none", {}), (0, 10, "none", {"tau": 1}), (1, 10, "none", {})]

    def broken(experiment, seed):
        raise ValueError("no bump")

    for _ in range(2):
        with pytest.raises(ValueError, match="no bump"):
            experiment.once(broken, 0)

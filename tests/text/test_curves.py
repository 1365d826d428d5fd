"""Curves through points against numpy and scipy, and points that are no curve."""

import pickle

import numpy as np
import pytest
from brian2 import DimensionMismatchError, Hz, nA
from scipy.integrate import quad

from brainmem import Curve
from brainmem.errors import RuleError

X = np.array([-2.0, -1.5, 0.0, 0.3, 4.0])
Y = np.array([1.0, -2.0, 0.5, 3.0, 2.0])
AT = np.linspace(-5, 7, 241)


def test_values_are_linear_between_points_and_constant_outside():
    np.testing.assert_allclose(Curve("phi", x=X, y=Y)(AT), np.interp(AT, X, Y), rtol=0, atol=1e-12)


def test_the_integral_is_that_of_the_curve_inside_and_outside():
    curve = Curve("phi", x=X, y=Y)
    for at in (-4.0, -2.0, -0.7, 0.2, 4.0, 6.5):
        inside = [point for point in X if min(X[0], at) < point < max(X[0], at)]
        expected, _ = quad(lambda x: np.interp(x, X, Y), X[0], at, points=inside or None)
        assert float(curve.integral(at)) == pytest.approx(expected, abs=1e-11)


def test_the_slope_at_a_point_is_that_above_it_and_zero_outside():
    curve = Curve("phi", x=X, y=Y)
    np.testing.assert_allclose(curve.slope(X), [*np.diff(Y) / np.diff(X), 0.0], rtol=1e-14)
    assert float(curve.slope(-3.0)) == 0.0


def test_the_integral_far_outside_is_that_of_a_constant():
    curve, flat = Curve("phi", x=[0, 1], y=[0, 1]), Curve("phi", x=[0, 1, 2], y=[0, 1, 0])
    with np.errstate(all="raise"):
        assert curve.integral(np.inf) == np.inf
        assert curve.integral(-np.inf) == 0.0
        assert flat.integral([np.inf, -np.inf]) == pytest.approx([1.0, 0.0])
    assert np.isnan(curve.integral(np.nan))
    assert np.isnan(curve.integral([0.5, np.nan])[1])


def test_units_are_those_of_the_axes():
    curve = Curve("phi", x=[0, 1] * nA, y=[0, 20] * Hz)
    assert float(curve(0.5 * nA) / Hz) == pytest.approx(10)
    assert float(curve.integral(1 * nA) / (nA * Hz)) == pytest.approx(10)
    assert float(curve.slope(0.5 * nA) / (Hz / nA)) == pytest.approx(20)
    with pytest.raises(DimensionMismatchError):
        curve(0.5)


def test_curves_of_the_same_points_are_equal_and_hash_and_pickle():
    curve = Curve("phi", x=X, y=Y)
    assert curve == Curve("phi", x=list(X), y=list(Y)) != Curve("phi", x=X, y=2 * Y)
    assert hash(curve) == hash(pickle.loads(pickle.dumps(curve)))


CSV = {
    "plain": b"0,1\n2,5\n",
    "byte order mark": b"\xef\xbb\xbf0,1\n2,5\n",
    "byte order mark and heading": b"\xef\xbb\xbfx,y\n0,1\n2,5\n",
    "comment, then heading": b"# fig. 1\n\nx,y\n0,1\n2,5  # the last\n",
    "two headings": b"a rate\nI,f\nnA,Hz\n0,1\n\n2,5\n",
    "quoted": b'"I, nA","f"\r\n"0", "1"\r\n2,5\r\n',
}


@pytest.mark.parametrize("kind", CSV)
def test_files_hold_points_under_headings(kind, tmp_path):
    (tmp_path / "points.csv").write_bytes(CSV[kind])
    curve = Curve.from_csv("phi", tmp_path / "points.csv", x_unit=nA, y_unit=Hz)
    assert curve == Curve("phi", x=[0, 2] * nA, y=[1, 5] * Hz)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y\n0,0\nnone,1\n", r"line 3 of '.*points.csv', 'none,1', must hold two numbers"),
        ("0.0,1O\n1,1\n2,2\n", r"line 1 of .* '0\.0,1O', must hold two numbers"),
        ("0,0,0\n1,1,1\n", r"line 1 of .*must hold two numbers"),
        ("0;0\n1;1\n", r"no line of .* holds two numbers, 'x, y', with a comma; it begins with '0;0'"),
        ("", r"no line of .* holds two numbers, 'x, y', with a comma, which is empty"),
        ("0,nan\n1,1\n", r"y is nan at place 0"),
    ],
)
def test_files_that_hold_no_points_are_refused_by_their_line(text, said, tmp_path):
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(RuleError, match=f"Curve 'phi': .*{said}"):
        Curve.from_csv("phi", tmp_path / "points.csv")
    with pytest.raises(RuleError, match=r"the file .* cannot be read: .*absent\.csv"):
        Curve.from_csv("phi", tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"x": [[0, 1], [2, 3]]}, r"x has shape \(2, 2\); needed are the values of the points in a row"),
        ({"x": "0, 1"}, r"x='0, 1'"),
        ({"y": [0, "one"]}, r"y=\[0, 'one'\]"),
        (
            {"x": [0, 1, 1], "y": [0, 1, 2]},
            r"x must ascend, but 1 follows 1 \(places 1 and 2\).*keep one of those with the same x",
        ),
        ({"zero_at": [0, 1]}, r"zero_at=\[0, 1\] must be one finite number"),
        ({"zero_at": np.inf}, r"zero_at=inf must be one finite number"),
        ({"zero_at": 1 * nA}, r"zero_at=1\. \* namp must have the unit of x, which is no unit"),
        ({"x": [0, 1e-300], "y": [0, 1e300]}, r"its slope or its integral is too large for a number"),
    ],
)
def test_other_points_that_are_no_curve_are_refused_with_what_was_given(fields, said):
    with pytest.raises(RuleError, match=rf"Curve 'phi': {said}"):
        Curve("phi", **{"x": [0, 1], "y": [0, 1], **fields})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"low": 1, "high": 0}, r"low=1 and high=0 are no range"),
        ({"low": 0 * nA, "high": 1}, r"low=.* and high=1 are no range"),
        ({"points": 1}, r"points="),
        ({"function": lambda x: 1 / 0}, r"the function cannot be sampled, ZeroDivisionError"),
        ({"function": lambda x: x[:3]}, r"x has 1001 points and y has 3"),
        ({"function": np.log}, r"y is nan at place 0|y is -inf at place"),
    ],
)
def test_functions_that_cannot_be_sampled_are_refused(given, said):
    fields = {"function": np.tanh, "low": -1, "high": 1, **given}
    with np.errstate(all="ignore"), pytest.raises(RuleError, match=f"Curve 'phi'.*{said}"):
        Curve.sampled("phi", **fields)


def test_units_of_a_file_are_units(tmp_path):
    (tmp_path / "points.csv").write_text("0,0\n1,1\n")
    with pytest.raises(RuleError, match=r"x_unit='nA' is no unit|x_unit='nA'"):
        Curve.from_csv("phi", tmp_path / "points.csv", x_unit="nA")
    with pytest.raises(RuleError, match=r"y_unit=\[1, 2\] must be one unit, such as nA"):
        Curve.from_csv("phi", tmp_path / "points.csv", y_unit=[1, 2])


def test_a_curve_that_was_used_pickles_as_small_as_a_new_one():
    curve, new = Curve("phi", x=X, y=Y), Curve("phi", x=X, y=Y)
    curve(0.3), curve.integral(0.3)
    assert pickle.dumps(curve) == pickle.dumps(new)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ([0, 2, 1], [0, 1, 2], "1 follows 2"),
        ([0], [0], "at least two points"),
        ([0, 1], [0], "2 points and y has 1"),
        ([0, np.nan], [0, 1], "x is nan at place 1"),
        ([0, 1], [0, np.inf], "y is inf at place 1"),
    ],
)
def test_points_that_are_no_curve_are_refused(x, y, said):
    with pytest.raises(RuleError, match=f"Curve 'phi'.*{said}"):
        Curve("phi", x=x, y=y)

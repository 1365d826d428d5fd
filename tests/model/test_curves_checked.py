"""Names of curves, calls of curves that a model does not have, and models that get other curves."""

from __future__ import annotations

import pickle

import pytest
from brian2 import ms

from brainmem import Curve, MemoryModel, Parameter, Pattern, Phase, Population, RuleError


def curve(name: str) -> Curve:
    return Curve(name, x=[0, 1], y=[0, 1])


def net(called: str = "phi", *, curves: tuple[str, ...] = ("phi",), draw: str = "phi(uniform(0, 1))") -> MemoryModel:
    return MemoryModel(
        "net",
        parameters=(Parameter("N", 5), Parameter("M", 2), Parameter("tau", 10 * ms)),
        curves=tuple(map(curve, curves)),
        populations=(Population("units", f"dr/dt = ({called}(r) - r)/tau : 1"),),
        patterns=(Pattern("memory", "units", draw=draw),),
        protocol=Phase("go", duration="5*ms", start={"r": "0*memory"}),
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tanh", "is a function of Brian2"),
        ("binary", "is a function that texts call"),
        ("sum", "is a function that texts call"),
        ("rank", "is a function that texts call"),
        ("exp", "is a function of Brian2"),
        ("int", "is a function of Brian2"),
        ("log", "is a function of Brian2"),
        ("double", "is a keyword of C"),
        ("np", "stands for something else in printed scripts"),
        ("neurongroup", "is what Brian2 calls objects"),
        ("r", "the variable 'r' has the name of a curve"),
        ("tau", "is the name of a parameter too"),
        ("memory", "is the name of a curve too"),
        ("units", "is used for curve 'units'"),
    ],
)
def test_names_with_another_meaning_are_refused(name, said):
    with pytest.raises(RuleError, match=said):
        net(name, curves=(name,), draw=f"{name}(uniform(0, 1))")


def test_names_of_the_integral_and_the_slope_are_taken_too():
    with pytest.raises(RuleError, match="'phi_slope' is the name of a curve too"):
        net("phi_slope", curves=("phi", "phi_slope"))


@pytest.mark.parametrize("place", [{"called": "phy"}, {"draw": "phy(uniform(0, 1))"}], ids=["equation", "draw"])
def test_a_curve_that_is_spelt_otherwise_is_suggested(place):
    with pytest.raises(RuleError, match=r"unknown function 'phy'\. Did you mean 'phi'"):
        net(**place)


def test_models_get_other_curves_by_name_and_pickle():
    model = net()
    other = model.replace(Curve("phi", x=[0, 1, 2], y=[0, 2, 3]))
    assert float(other.curves[0](1.5)) == 2.5
    assert pickle.loads(pickle.dumps(other)) == other != model
    with pytest.raises(RuleError, match="unknown function 'phi'"):
        model.replace(without=("phi",))
    with pytest.raises(RuleError, match="curve 'psi': nothing in the model names it"):
        net(curves=("phi", "psi"))
    with pytest.raises(RuleError, match="no parameter 'phi' to vary"):
        model.vary(phi=2)

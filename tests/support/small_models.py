"""The small model of the tests and its changes; models of a few other kinds; small sizes of a shipped one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from brian2 import Hz, ms, second

import brainmem
from brainmem import (
    Each,
    LearningRule,
    Limit,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    RuleError,
    Stimulus,
)

EQUATIONS = """
u : 1                       # recurrent field
drive = u + gamma*cue : 1
phi = tanh(drive) : 1
dx/dt = (phi - x)/tau : 1
"""
UNITS = Population("units", EQUATIONS, rate="x", drive="drive", transfer="phi", rate_range=(-1, 1))
RECURRENT = Projection("recurrent", "units", "units", current="u_post = w*x_pre : 1 (summed)", initial={"w": "0"})
HEBB = LearningRule("hebb", "recurrent", continuous="dw/dt = plastic*(eta/tau)*x_pre*x_post : 1")
LEARN = Phase("learn", duration="T", until="overlap > 0.9", stimuli=("cue",), gates={"plastic": 1}, start={"x": "0"})
PARTS = {
    "parameters": (
        Parameter("N", 10),
        Parameter("M", 2),
        Parameter("tau", 20 * ms),
        Parameter("gamma", 0.6),
        Parameter("eta", "0.1/N"),
        Parameter("T", "5*tau"),
    ),
    "populations": (UNITS,),
    "projections": (RECURRENT,),
    "rules": (HEBB,),
    "stimuli": (Stimulus("cue", "units"),),
    "observables": (Observable("overlap", "x*cue", population="units"),),
    "protocol": Protocol((LEARN,), (Repeat(2, (Each("learn", order="random"),)),)),
}


def small(**changes) -> MemoryModel:
    return MemoryModel("small", **{**PARTS, **changes})


def check_refused(changes, parts) -> None:
    """Make the small model with `changes` and look for all `parts` in the error."""
    with pytest.raises(RuleError) as error:
        small(**changes)
    message = str(error.value)
    assert message.startswith("Model 'small'")
    assert [part for part in parts if part not in message] == [], message


def parameters(**values):
    return {"parameters": (*PARTS["parameters"], *(Parameter(name, value) for name, value in values.items()))}


def units(equations=EQUATIONS, **changes):
    return {"populations": (replace(UNITS, equations=equations, **changes),)}


def swapped(old, new):
    """Change one line of the equations."""
    assert old in EQUATIONS
    return units(EQUATIONS.replace(old, new))


def recurrent(**changes):
    return {"projections": (replace(RECURRENT, **changes),)}


def hebb(**changes):
    return {"rules": (replace(HEBB, **changes),)}


def continuous(text):
    return hebb(continuous=text)


def periodic(text, **changes):
    return hebb(continuous="", periodic=text, every="2*tau", **changes) | {
        "limits": (Limit("eta > 0", "it must learn"),)
    }


def phase(**changes):
    return {"protocol": Protocol((replace(LEARN, **changes),), (Each("learn"),))}


def schedule(*entries):
    return {"protocol": Protocol((LEARN,), entries)}


def observable(expression, **changes):
    return {"observables": (Observable("overlap", expression, **{"population": "units", **changes}),)}


RING = Population(
    "ring",
    """
    rec : hertz**2
    third : 1
    r = sqrt(I*int(I > 0*hertz**2)) : hertz (constant over dt)
    dI/dt = (-I + h + rec)/tau : hertz**2
    """,
    size="N",
    rate="r",
    drive="I",
    transfer="r",
    rate_range=("0*Hz", "14*Hz"),
    initial={"I": "uniform(0, 1)*h"},
)
ENERGY = Population(
    "energy",
    """
    E_now : hertz**3
    error = tanh(E_now/E_0 - level) : 1
    dlevel/dt = plastic*(E_now/E_0 - level)/(10*tau) : 1
    """,
    size=1,
)


def energy_model(**changes) -> MemoryModel:
    """A ring whose weights follow a third factor that a unit of its own computes."""
    parts = {
        "parameters": (
            Parameter("N", 20),
            Parameter("tau", 15 * ms),
            Parameter("h", 10 * Hz**2),
            Parameter("E_0", 100 * Hz**3),
            Parameter("G", 100 * Hz**2),
            Parameter("gain", 0.1 * Hz),
            Parameter("T", 300 * ms),
        ),
        "populations": (RING, ENERGY),
        "projections": (
            Projection(
                "recurrent",
                "ring",
                "ring",
                current="rec_post = w*r_pre : hertz**2 (summed)",
                variables="w : hertz",
                initial={"w": "normal(0, 1)*gain/sqrt(N)"},
            ),
            Projection("gather", "ring", "energy", current="E_now_post = r_pre**3/3 - h*r_pre : hertz**3 (summed)"),
            Projection("spread", "energy", "ring", current="third_post = error_pre : 1 (summed)"),
        ),
        "rules": (
            LearningRule(
                "flatten",
                "recurrent",
                episodic="w += int(i != j)*gain*third_post*r_pre*r_post/G",
                at=("show",),
                bounds={"w": ("-gain", "gain")},
            ),
        ),
        "protocol": Protocol((Phase("show", duration="T", gates={"plastic": 1}),), (Each("show", items=3),)),
    }
    return MemoryModel("energy", **{**parts, **changes})


def squares_model() -> MemoryModel:
    """Recursive least squares: two rules that run in order every step, over two projections."""
    return MemoryModel(
        "squares",
        parameters=(
            Parameter("N", 10),
            Parameter("tau", 10 * ms),
            Parameter("theta", 0.0),
            Parameter("alpha", 2.0),
            Parameter("T", 1 * second),
            Parameter("learn_step", 1 * ms),
            Parameter("sd", 0.5 * second),
        ),
        populations=(
            Population(
                "units",
                """
                z : 1
                k : 1
                wanted = exp(-(elapsed - T*(i + 0.5)/N)**2/(2*sd**2)) : 1
                error = z - wanted : 1
                r = 1/(1+exp(-(x-theta))) : 1
                dx/dt = (-x + z)/tau : 1
                """,
                rate="r",
                drive="x",
                transfer="r",
                initial={"x": "normal(0, 1)"},
            ),
            Population("norm", "a : 1", size=1),
        ),
        projections=(
            Projection(
                "recurrent",
                "units",
                "units",
                current="z_post = w*r_pre : 1 (summed)",
                initial={"w": "normal(0, 1)/sqrt(N)"},
            ),
            Projection(
                "inverse",
                "units",
                "units",
                current="k_post = p*r_pre : 1 (summed)",
                variables="p : 1",
                initial={"p": "eye()/alpha"},
                self_connections=True,
            ),
            Projection("total", "units", "norm", current="a_post = r_pre*k_pre : 1 (summed)"),
        ),
        rules=(
            LearningRule("shrink", "inverse", periodic="p = p - learning*k_pre*k_post", every="learn_step", order=1),
            LearningRule(
                "correct",
                "recurrent",
                periodic="""
                # the increment has rank one
                change = error_post*k_pre
                w -= learning*change
                """,
                every="learn_step",
                order=2,
                read="trace",
            ),
        ),
        protocol=Protocol((Phase("run", duration="T", gates={"learning": 1}),), (Each("run", items=1),)),
        rate_dt="1*ms",
    )


def dreams_model() -> MemoryModel:
    """Storage at the end of one phase, unlearning at the end of another."""
    return MemoryModel(
        "dreams",
        parameters=(
            Parameter("N", 10),
            Parameter("P", "3*2"),
            Parameter("eps", 0.01),
            Parameter("dreams", 4),
            Parameter("unit_time", 10 * ms),
        ),
        populations=(
            Population(
                "units",
                "h : 1\nphi = tanh(4*(h + show*pattern)) : 1\nds/dt = (phi - s)/unit_time : 1",
                rate="s",
                drive="h",
                transfer="phi",
                rate_range=(-1, 1),
            ),
        ),
        projections=(
            Projection(
                "memory",
                "units",
                "units",
                current="h_post = w*s_pre : 1 (summed)",
                variables="w : 1",
                initial={"w": "pattern.T @ pattern/N + normal(0, eps)"},
            ),
        ),
        rules=(
            LearningRule("store", "memory", episodic="w += s_pre*s_post/N_pre", at=("show_one",), order=0),
            LearningRule("unlearn", "memory", episodic="w += -(eps/N_pre)*s_pre*s_post", at=("dream",), order=1),
        ),
        stimuli=(Stimulus("pattern", "units", items="P"),),
        protocol=Protocol(
            (
                Phase("show_one", duration="10*unit_time", stimuli=("pattern",), gates={"show": 1}),
                Phase("dream", duration="20*unit_time", start={"s": "signs()"}),
            ),
            (Each("show_one", items="P"), Repeat("dreams", (Each("dream", items=1, repeats=5),))),
        ),
        rate_dt="0.1*unit_time",
        time_unit="unit_time",
    )


SMALL = {"N": 12, "M": 2, "epochs": 2, "test_epochs": (1,), "starts": 1, "T_learn": "20*tau", "T_recall": "4*tau"}
SMALL |= {"T_average": "2*tau"}


def current_form(expr: str = "(-x + z + h)/tau") -> brainmem.MemoryModel:
    """A small network whose rate is an instantaneous function of a filtered current."""
    from brian2 import ms

    return brainmem.MemoryModel(
        "currents",
        parameters=(
            brainmem.Parameter("N", 30),
            brainmem.Parameter("tau", 50 * ms),
            brainmem.Parameter("T", 400 * ms),
            brainmem.Parameter("rate_step", 1 * ms),
        ),
        populations=(
            Population(
                "units",
                f"z : 1\nr = 1/(1 + exp(-x)) : 1\ndx/dt = {expr} : 1",
                rate="r",
                drive="x",
                transfer="r",
                rate_range=(0, 1),
                initial={"x": "normal(0, 1)"},
            ),
        ),
        projections=(
            brainmem.Projection(
                "recurrent",
                "units",
                "units",
                current="z_post = w*r_pre : 1 (summed)",
                variables="w : 1",
                initial={"w": "normal(0, 1.5/sqrt(N))"},
            ),
        ),
        stimuli=(brainmem.Stimulus("h", "units", items=1, draw="normal(0, 1)"),),
        protocol=brainmem.Protocol(
            (brainmem.Phase("run", duration="T", stimuli=("h",)),), (brainmem.Each("run", items=1),)
        ),
        rate_dt="rate_step",
        spiking={"cells_per_unit": 16},
    )

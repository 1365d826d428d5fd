"""Two small networks with several protocols, and each of these written by hand with nothing else in the model."""

from __future__ import annotations

from brian2 import ms

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    Stimulus,
)

ROLES = {"rate": "x", "drive": "drive", "transfer": "phi", "rate_range": (-1, 1), "initial": {"x": "normal(0, 0.3)"}}
AFTER = ["phi = tanh(gain*drive) : 1", "dx/dt = (phi - x)/tau : 1"]
CUE = {"name": "cue", "population": "units", "items": "P"}
SHOW = Phase("show", duration="40*ms", stimuli=("cue",), gates={"learn": 1}, start={"x": "zeros()"})
SLEEP = Phase("sleep", duration="60*ms", gates={"recurrent": 1, "forget": "rate"}, start={"x": "normal(0, 1)"})
REST = Phase("rest", duration="20*ms", gates={"recurrent": 1})
SCALE = Phase("rest", duration="30*ms", gates={"recurrent": 1, "rescale": 1})  # another of the same name
WAKE = Protocol((SHOW,), (Repeat(2, (Each("show", items="P"),)),))
DREAM = Protocol((SHOW, SLEEP, REST), (Repeat(2, (Each(("sleep", "rest"), items=2),)),))
SCALING = Protocol((SCALE, SHOW), (Each("rest", items=2),))
HEBB = LearningRule("hebb", "recurrent", continuous="dw/dt = learn*(x_pre*x_post - w)/T_learn : 1")
FORGET = LearningRule("forgetting", "recurrent", periodic="w -= forget*x_pre*x_post*w", every="5*ms")
NORM = LearningRule("norm", "recurrent", episodic="w -= rescale*w*power_post/N_post", at=("rest",))
SUMS = "u_post = w*x_pre : 1 (summed)\npower_post = w**2 : 1 (summed)"


def rates(*equations: str, current: str = SUMS, variables: str = "", **parts) -> MemoryModel:
    """Return a network of rate units with these lines above the transfer."""
    given = {
        "parameters": (
            Parameter("N", 12),
            Parameter("P", 3),
            Parameter("tau", 10 * ms),
            Parameter("gain", 1.5),
            Parameter("tiny", 1e-9),
            Parameter("rate", 0.2),
            Parameter("T_learn", 100 * ms),
        ),
        "populations": (Population("units", "\n".join([*equations, *AFTER]), **ROLES),),
        "projections": (
            Projection(
                "recurrent", "units", "units", current=current, variables=variables, initial={"w": "normal(0, 0.3)"}
            ),
        ),
        "observables": (Observable("activity", "x**2", population="units"),),
        "rate_dt": "1*ms",
        "spiking": {"spike_dt": 1 * ms},
        "varied": True,  # parameters that a part does not need
    }
    return MemoryModel("rates", **{**given, **parts})


WHOLE = rates(
    "u : 1  # recurrent input",
    "power : 1",
    "drive = recurrent*u/sqrt(power + tiny) + learn*cue : 1",
    stimuli=(Stimulus(**CUE),),
    rules=(HEBB, FORGET, NORM),
    protocols={"wake": WAKE, "dream": DREAM, "scaling": SCALING},
)
RECURRENT = ("u : 1", "power : 1", "drive = recurrent*u/sqrt(power + tiny) : 1")
BY_HAND = {
    "wake": rates("drive = learn*cue : 1", current="", stimuli=(Stimulus(**CUE),), rules=(HEBB,), protocol=WAKE),
    "dream": rates(
        *RECURRENT,
        patterns=(Pattern(**CUE),),
        rules=(FORGET,),
        protocol=Protocol((SLEEP, REST), DREAM.schedule),
    ),
    "scaling": rates(
        *RECURRENT,
        variables="w : 1",
        patterns=(Pattern(**CUE),),
        rules=(NORM,),
        protocol=Protocol((SCALE,), SCALING.schedule),
    ),
}

FLIPS = Observable("flips", "int(S_change != 0)", population="spins", reduce="sum")
FALL = Phase("fall", duration="40*second", until="flips < 0.5", start={"S": "signs()"}, gates={"descend": 1})
HOT = Phase("fall", duration="15*second", start={"S": "signs()"}, gates={"heat": "T"})
DREAMS = Protocol((FALL,), (Repeat(3, (Each("fall", items=2),)),))
GLAUBER = Protocol((HOT,), (Each("fall", items=2),))
UNLEARN = LearningRule("unlearn", "fields", episodic="w += -descend*(eps/N_pre)*S_pre*S_post", at=("fall",))


def spins(visit: str, **parts) -> MemoryModel:
    """Return binary units that are visited one at a time, with this field."""
    field = "h : 1\nS : 1"
    given = {
        "parameters": (Parameter("N", 20), Parameter("T", 0.4), Parameter("eps", 0.1), Parameter("tie", 1e-12)),
        "populations": (Population("spins", field, rate="S", rate_range=(-1, 1), sequential=f"S = sign({visit})"),),
        "projections": (
            Projection(
                "fields", "spins", "spins", current="h_post = w*S_pre : 1 (summed)", initial={"w": "normal(0, 1)"}
            ),
        ),
        "observables": (FLIPS,),
        "rate_dt": "1*second",
        "varied": True,
    }
    return MemoryModel("spins", **{**given, **parts})


SPINS = spins(
    "h + tie*S + 0.5*heat*log(1/rand() - 1)", rules=(UNLEARN,), protocols={"dreams": DREAMS, "glauber": GLAUBER}
)
SPINS_BY_HAND = {
    "dreams": spins("h + tie*S", rules=(UNLEARN,), protocol=DREAMS),
    "glauber": spins("h + tie*S + 0.5*heat*log(1/rand() - 1)", protocol=GLAUBER),
}

"""Models that are hard on dense kernels: a hand-written one that holds much at once, and ones drawn at random."""

from __future__ import annotations

from brian2 import Hz, ms
from hypothesis import strategies as st

from brainmem import Each, LearningRule, MemoryModel, Parameter, Phase, Population, Projection, Protocol, Repeat

DT = 0.5e-3
PARAMETERS = (
    *(Parameter("delta", 0.5 * ms), Parameter("tau", 4 * ms), Parameter("eta", 20 * Hz)),
    *(Parameter("gain", 1.5), Parameter("top", 0.6), Parameter("none", 0.0)),
)
PROTOCOL = Protocol(
    phases=(
        Phase("learn", duration="4*ms", gates={"plastic": 1}),
        Phase("dream", duration="2.5*ms", gates={"plastic": -0.5}),
        Phase("rest", duration="2*ms"),
    ),
    schedule=(Repeat(2, (Each(("learn", "dream", "rest"), items=1),)),),
)


def rate_units(name: str, size: int, inputs: dict[str, str]) -> Population:
    """Return units that relax to tanh of the sum of `inputs` (variable to unit)."""
    slots = "\n".join(f"{variable} : {unit}" for variable, unit in inputs.items())
    total = " + ".join(["0.2", *(v if unit == "1" else f"{v}/mV" for v, unit in inputs.items())])
    text = f"{slots}\ndrive = {total} : 1\nphi = tanh(drive) : 1\n"
    return Population(
        name,
        text + "dx/dt = (phi - x)/tau : 1",
        size=size,
        rate="x",
        drive="drive",
        transfer="phi",
        rate_range=(-1, 1),
        initial={"x": "uniform(-1, 1)"},
    )


def current_units(name: str, size: int, slot: str) -> Population:
    """Return units whose rate is a function of a filtered current."""
    return Population(
        name,
        f"{slot} : 1\ndc/dt = (-c + {slot})/tau : 1\nr = tanh(gain*c) : 1",
        size=size,
        rate="r",
        drive="c",
        transfer="r",
        rate_range=(-1, 1),
        initial={"c": "uniform(-1, 1)"},
    )


def model_of(populations, projections, rules, name="dense", more=()) -> MemoryModel:
    """Return a model with `more` parameters and those of `PARAMETERS` that its text names (the step does too)."""
    texts = [p.equations for p in populations] + [p.current + p.variables for p in projections]
    texts += [r.text + r.every + str(dict(r.bounds)) for r in rules]
    used = [item for item in PARAMETERS if item.name == "delta" or any(item.name in text for text in texts)]
    protocol = PROTOCOL if any("plastic" in text for text in texts) else _without_gates(PROTOCOL)
    return MemoryModel(
        name,
        parameters=(*used, *more),
        populations=tuple(populations),
        projections=tuple(projections),
        rules=tuple(rules),
        protocol=protocol,
        rate_dt="delta",
    )


def _without_gates(protocol: Protocol) -> Protocol:
    return Protocol(tuple(Phase(p.name, duration=p.duration) for p in protocol.phases), protocol.schedule)


def many_cases() -> MemoryModel:
    """Return populations of 5, 1, 7 and 4 units, whose seven projections each meet another branch of the kernels."""
    populations = (
        rate_units("a", 5, {"s": "1", "s2": "1", "back": "volt"}),
        rate_units("one", 1, {"many": "1"}),
        rate_units("b", 7, {"forth": "1", "around": "1", "late": "1", "echo": "1"}),
        current_units("c", 4, "field"),
    )
    normal = {"w": "normal(0, 0.4)"}
    two = {**normal, "v": "uniform(-1, 1)"}
    projections = (
        # No self-connections, two sums in one pass, two variables changed together, loop-invariant factors.
        Projection(
            "own",
            "a",
            "a",
            current="s_post = gain*2*w*x_pre : 1 (summed)\ns2_post = v*x_pre**2 + 0.1*x_post/N_pre : 1 (summed)",
            initial=two,
        ),
        Projection("back", "b", "a", current="back_post = w*x_pre : volt (summed)", initial={"w": "normal(0, 1)*mV"}),
        Projection("gather", "b", "one", current="many_post = w*x_pre/gain : 1 (summed)", initial=normal),
        Projection("forth", "one", "b", current="forth_post = w*x_pre : 1 (summed)", initial=normal),
        Projection(
            "around", "b", "b", current="around_post = w*x_pre : 1 (summed)", initial=normal, self_connections=True
        ),
        # Waits for the sum of `around`, though its name sorts before: Brian2 would run it first in a shared slot.
        Projection("ahead", "a", "b", current="late_post = w*x_pre : 1 (summed)", initial=normal),
        # A sum of sums, formed at a later time.
        Projection(
            "echo", "a", "b", current="echo_post = w*s_pre : 1 (summed)", variables="z = w*x_post : 1", initial=normal
        ),
        Projection("field", "c", "c", current="field_post = w*r_pre : 1 (summed)", initial=normal),
    )
    rules = (
        LearningRule(
            "both",
            "own",
            continuous="dw/dt = plastic*eta*(x_post*x_pre - s_post*w + v) : 1\n"
            "dv/dt = plastic*eta*gain*(w*x_post - v*s2_post) : 1",
        ),
        LearningRule(
            "volts",
            "back",
            continuous="goal = x_post*mV : volt\ndw/dt = -plastic*eta*x_pre*(back_post - goal) : volt",
            bounds={"w": ("-0.5*mV", "0.7*mV")},
        ),
        LearningRule("gathered", "gather", continuous="dw/dt = eta*(x_pre - many_post*w) : 1"),
        LearningRule("spread", "forth", episodic="w += 0.2*x_pre*x_post\nw *= 0.9", at=("learn", "dream")),
        # Listed against the alphabet: rules of one order run as listed.
        LearningRule("z_first", "around", periodic="old = w\nw += 0.3*x_pre*x_post - 0.1*old", every="2*delta"),
        LearningRule("a_second", "around", periodic="w = 0.8*w", every="2*delta", bounds={"w": (-1, "top")}),
        LearningRule("slow", "around", continuous="dw/dt = eta*(around_pre*x_post - w) : 1"),
        LearningRule("waiting", "ahead", continuous="dw/dt = eta*(around_post - late_post)*x_pre*plastic : 1"),
        LearningRule("echoed", "echo", continuous="dw/dt = eta*(echo_post*x_pre - z) : 1", bounds={"w": (-2, 2)}),
        LearningRule("after", "echo", periodic="w *= 0.97", every="3*delta"),
        LearningRule("fields", "field", continuous="dw/dt = plastic*eta*(r_post - field_post)*(r_pre - c_post*w) : 1"),
    )
    return model_of(populations, projections, rules)


# Text of rules by name; {s} is the projection's sum, {q} the unit of its weights, {o} another sum onto the target.
CONTINUOUS = {
    "gated": "dw/dt = plastic*eta*({q}*x_post*x_pre - 0.3*w) : {unit}",
    "ungated": "dw/dt = eta*({q}*x_post*x_pre - 0.3*w) : {unit}",
    "own sum": "dw/dt = plastic*eta*x_pre*({q}*x_pre - {s}_post*w/{q}) : {unit}",
    "pre sum": "dw/dt = eta*x_post*({s}_pre - w) : {unit}",
    "other sum": "dw/dt = plastic*eta*({o}_post*{q} - {s}_post)*x_pre : {unit}",
    "helper": "z = x_pre*x_post*{q} - w : {unit}\ndw/dt = plastic*eta*z*x_post : {unit}",
    "two": "dw/dt = eta*(v*{q} - w*x_pre) : {unit}\ndv/dt = eta*(w/{q}*x_post - v) : 1",
}
STATEMENTS = {
    "periodic": "a = w*x_pre\nw += 0.2*(a*x_post - w)\nw += 0.1*{q}*x_pre",
    "episodic": "w += 0.3*{q}*x_pre*x_post\nw *= 0.9",
}


@st.composite
def models(draw) -> MemoryModel:
    """Draw one or two populations of 1 to 13 units and one to four projections, each with a rule or two."""
    sizes = draw(st.lists(st.integers(1, 13), min_size=1, max_size=2, unique=True))
    names = [f"p{size}" for size in sizes]
    inputs: dict[str, dict[str, str]] = {name: {} for name in names}
    projections, rules = [], []
    for k in range(draw(st.integers(1, 4))):
        source, target = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        unit = draw(st.sampled_from(["1", "volt"]))
        parts = _projection(draw, k, source, target, unit, [s for s, u in inputs[target].items() if u == "1"])
        inputs[target][f"s{k}"] = unit
        if "t" in parts[2]:
            inputs[target][f"t{k}"] = "1"
        projections.append(parts[0])
        rules += parts[1]
    populations = [rate_units(name, size, inputs[name]) for name, size in zip(names, sizes, strict=True)]
    return model_of(populations, projections, rules, name=f"drawn_{'_'.join(map(str, sizes))}")


def _projection(draw, k: int, source: str, target: str, unit: str, others: list[str]):
    q, own = ("mV" if unit == "volt" else "1.0"), source == target
    allowed = [key for key in CONTINUOUS if (key != "pre sum" or own) and (key != "other sum" or others)]
    form = draw(st.sampled_from([*allowed, *STATEMENTS]))
    text = {"q": q, "unit": unit, "s": f"s{k}", "o": draw(st.sampled_from(others or [""]))}
    second = draw(st.booleans())
    current = f"s{k}_post = w*x_pre : {unit} (summed)"
    current += f"\nt{k}_post = 0.5*v*x_pre - 0.1*x_post : 1 (summed)" if second else ""
    initial = {"w": f"normal(0, 0.5)*{q}" if unit == "volt" else "normal(0, 0.5)"}
    initial |= {"v": "uniform(-1, 1)"} if second or form == "two" else {}
    bounds = {"w": (f"-0.6*{q}", f"0.7*{q}")} if draw(st.booleans()) else {}
    rule = _rule(draw, f"rule{k}", f"j{k}", form, text, bounds)
    projection = Projection(
        f"j{k}",
        source,
        target,
        current=current,
        variables="" if form in CONTINUOUS else f"w : {unit}",
        initial=initial,
        self_connections=draw(st.booleans()),
        source_units=draw(_parts(int(source[1:]))),
        target_units=draw(_parts(int(target[1:]))),
    )
    return projection, [rule], "t" if second else ""


def _parts(size: int):
    """Draw a slice of so many units, mostly none."""
    pairs = st.tuples(st.integers(0, size), st.integers(0, size)).map(sorted)
    return st.one_of(st.just(""), st.just(""), pairs.map(lambda ends: f"{ends[0]}:{ends[1]}"))


def _rule(draw, name: str, projection: str, form: str, text: dict[str, str], bounds) -> LearningRule:
    if form == "periodic":
        every = draw(st.sampled_from(["delta", "3*delta"]))
        return LearningRule(name, projection, periodic=STATEMENTS[form].format(**text), every=every, bounds=bounds)
    if form == "episodic":
        return LearningRule(name, projection, episodic=STATEMENTS[form].format(**text), at=("learn",), bounds=bounds)
    return LearningRule(name, projection, continuous=CONTINUOUS[form].format(**text), bounds=bounds)

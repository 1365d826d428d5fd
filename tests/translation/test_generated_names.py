"""A model's names and those that the translation makes: each of the latter is refused, or known to do no harm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from brian2 import Hz, ms
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS

from brainmem import (
    Each,
    LearningRule,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    RuleError,
    Spiking,
    SpikingRule,
    Stimulus,
    TranslatedModel,
    freeze,
    simulate,
    translate,
)
from brainmem.build.codegen.counter import COUNTER_FUNCTIONS
from brainmem.model.checks.findings import Findings
from brainmem.model.checks.generated import generated_names, generated_objects, generated_pattern
from brainmem.model.checks.reading import read_model
from brainmem.model.checks.reserved import meaning
from brainmem.text.equations import identifiers, read_equations
from brainmem.verification.counts import replayable, without_cells
from brainmem.verification.shadow import hold
from brainmem.verification.twin import twinned

PARAMETERS = (
    *(Parameter("N", 5), Parameter("K", 3), Parameter("q", 0.5), Parameter("T", 0.1)),
    *(Parameter("tau", 20 * ms), Parameter("slow", 100 * ms), Parameter("eta", 0.1 * Hz)),
    Parameter("length", 50 * ms),
)
EXCITATORY = """
rec : 1
inhibition : 1
current = 2*(rec - inhibition) + cue + q*noise : 1
phi = 1/(1 + exp(-current)) : 1
noise = randn() + rand() : 1 (constant over dt)
dr/dt = (phi - r)/tau : 1
dm/dt = (r**2 - m)/slow : 1
gated = open*m : 1
"""
INHIBITORY = "into : 1\ndv/dt = (-v + into + film)/tau : 1\ns = 1/(1 + exp(-v)) : 1"
VISITED = "S = sign(field + T*(rand() - rand()))"
TRACE = "dw/dt = eta*r_post*r_pre*trace : 1\ndtrace/dt = (r_pre*r_post - trace)/slow : 1"


def sequential() -> dict[str, tuple]:
    """Return units that are updated one at a time, with their projection and rule."""
    current = "field_post = w*S_pre : 1 (summed)"
    return {
        "populations": (
            Population("spins", "field : 1\nS : 1", size=4, sequential=VISITED, rate="S", rate_range=(-1, 1),
                       initial={"S": "signs()"}),
        ),
        "projections": (Projection("ss", "spins", "spins", current=current, initial={"w": "normal(0, 1)"}),),
        "rules": (LearningRule("forget", "ss", episodic="w -= 0.01*S_pre*S_post", at=("test",)),),
    }  # fmt: skip


def model(*, spins: bool = False, name: str = "", role: str = "") -> MemoryModel:
    """Return a network with rules of all forms; one of its parts is called `name`, which `role` says."""
    called = dict.fromkeys(ROLES, "") | {role: name}
    more = sequential() if spins else dict.fromkeys(("populations", "projections", "rules"), ())
    bounded = {"bounds": {"w": (0, 1)}, "during": ("learn",)}
    value = called["value"] or "z"
    clocked = called["clocked"] or "k"
    variables = called["variable"].split()
    variable = "".join(f"{each} = m + {place} : 1\n" for place, each in enumerate(variables))
    synaptic = f"\nd{called['synaptic']}/dt = (w - {called['synaptic']})/slow : 1" if called["synaptic"] else ""
    initial = {"w": "uniform(0, 1)"}
    read = [*variables, *(called[kind] for kind in ("parameter", "gate", "stimulus") if called[kind])]
    excitatory = EXCITATORY.replace("q*noise", " + ".join(["q*noise", "0*T", *read]))
    start = {"r": "uniform(0, 1)", "v": "film"} | ({"S": "signs()"} if spins else {})
    shown = ("cue", "film", *filter(None, [called["stimulus"]]))
    gates = {"open": 1} | ({called["gate"]: 1} if called["gate"] else {})
    observable = called["observable"] or "activity"
    learn = Phase("learn", duration="length", stimuli=shown, gates=gates, average="length/2", until=f"{observable} > 2")
    return MemoryModel(
        "rich",
        parameters=(*PARAMETERS, *([Parameter(called["parameter"], 0.5)] if called["parameter"] else [])),
        populations=(
            Population("exc", variable + excitatory, rate="r", drive="current",
                       transfer="phi", initial={"r": "uniform(0, 1)"}),
            Population("inh", INHIBITORY, size="K", rate="s", drive="v", transfer="s"),
            Population(called["population"] or "helper", "total : 1\ndy/dt = (total - y)/tau : 1", size=1),
            *more["populations"],
        ),
        projections=(
            Projection("ee", "exc", "exc", current="rec_post = w*r_pre : 1 (summed)", initial=initial),
            Projection("ei", "exc", "inh", current="into_post = w*r_pre : 1 (summed)", initial=initial,
                       source_units=":2"),
            Projection("ie", "inh", "exc", current="inhibition_post = w*s_pre : 1 (summed)", initial=initial),
            Projection(called["projection"] or "eh", "exc", called["population"] or "helper",
                       current="total_post = r_pre : 1 (summed)"),
            Projection("he", called["population"] or "helper", "exc", initial={"w": "zeros()"}),
            *more["projections"],
        ),
        rules=(
            LearningRule(called["rule"] or "hebb", "ee", continuous=TRACE + synaptic, **bounded),
            LearningRule("paced", "ei", periodic=f"{value} = rand() + rand()*q\nw += open*s_post*r_pre*{value}",
                         every="tau", **bounded),
            LearningRule("stored", "ie", episodic="w += 0.1*r_post*s_pre", at=("test",)),
            LearningRule("own", "he", continuous="dw/dt = eta*r_post*y_pre : 1", spiking=SpikingRule(
                on_post=f"w += 0.01*{clocked}", clocked=f"d{clocked}/dt = (r_s_post - {clocked})/tau : 1")),
            *more["rules"],
        ),
        stimuli=(
            Stimulus("cue", "exc", items=2, draw="uniform(0, 1)"),
            Stimulus("film", "inh", items=2, frames=4, every="10*ms", draw="filtered_noise(tau)"),
            *([Stimulus(called["stimulus"], "exc", items=2)] if called["stimulus"] else []),
        ),
        observables=(
            Observable(observable, "r*gated", population="exc"),
            Observable("power", "s**2", population="inh", reduce="sum"),
        ),
        protocol=Protocol(
            (learn, Phase("test", duration="length", restore=True, start=start, stimuli=("cue",))),
            (Repeat(2, (Each(("learn", "test"), items=2, order="random"),)),),
        ),
        rate_dt="1*ms",
    )  # fmt: skip


ROLES = (
    *("parameter", "variable", "synaptic", "value", "clocked", "gate", "stimulus", "observable"),
    *("population", "projection", "rule"),
)


def translations() -> Iterator[TranslatedModel]:
    """Yield the network in all forms that are run, or run beside it to check its spiking variant."""
    yield translate(model(spins=True))
    plain = model()
    for options in ({}, {"neuron": "affine"}, {"neuron": "poisson"}, {"read": "trace"}, {"pairing": "causal"}):
        yield translate(plain, Spiking(**options))
    alone = freeze(plain, "test", items=1)
    yield from (translate(alone, variant, trials=2) for variant in ("rate", "spiking"))
    for neuron in ("lif", "affine"):
        checked = replayable(translate(BESIDE, Spiking(neuron=neuron)))
        yield checked
        yield without_cells(checked)


def texts_of(translated: TranslatedModel) -> set[str]:
    """Return every name in the texts of a translation, and those of its tables and parameters."""
    texts: list[str] = []
    found = {item.name for item in (*translated.tables, *translated.parameters)}
    for item in (*translated.groups, *translated.connections):
        lines = read_equations(item.equations)
        found |= {*item.constants, *(line.name for line in lines)}
        texts += [*(line.expr for line in lines), *(op.code for op in item.operations)]
    for group in translated.groups:
        texts += [group.threshold or "", group.reset or "", *(condition for condition, *_ in group.events.values())]
        texts += [f"{group.visits.code}\n{group.visits.change}"] if group.visits else []
        found |= set(group.links)
    texts += [path.code for item in translated.connections for path in item.pathways]
    return found.union(*map(identifiers, texts))


def objects_of(translated: TranslatedModel) -> set[str]:
    """Return the names of the objects of a translation."""
    found = {item.name for item in translated.tables}
    for item in (*translated.groups, *translated.connections):
        found |= {item.name, *(op.name for op in item.operations)}
    return found


def own_names(written: MemoryModel) -> set[str]:
    text = read_model(written, Findings())
    fields = ("parameters", "populations", "projections", "rules", "stimuli", "observables")
    found = {item.name for field in fields for item in getattr(written, field)} | set(written.protocol.gates)
    return found.union(*text.neurons.values(), *text.synapses.values(), *text.clocked.values())


WHOLE = model(spins=True)
BESIDE = twinned(hold(model()), {item.name: item.value for item in PARAMETERS})
TEXTS = [read_model(written, Findings()) for written in (WHOLE, BESIDE)]
LANGUAGE = set(DEFAULT_FUNCTIONS) | set(DEFAULT_UNITS) | set(DEFAULT_CONSTANTS) | {"and", "z"}
TRANSLATIONS = list(translations())
OWN = own_names(WHOLE) | own_names(BESIDE)
MADE = {name.removesuffix("_pre").removesuffix("_post") for item in TRANSLATIONS for name in texts_of(item)}
OBJECTS = set().union(*map(objects_of, TRANSLATIONS))
# Values within statements of cells, of which models know nothing; a test below runs them. Runs of many trials refuse
# the names that they need themselves.
HARMLESS = ("I", "pause", "resting", "row", "since")
TRIALS = ("trial", "trials", "trials_held")


def test_every_name_that_a_translation_makes_is_reserved():
    """A name that the translation makes, but `generated_names` does not know, ends this test."""
    known = {name for text in TEXTS for name in generated_names(text)}
    free = {name for name in MADE - OWN - LANGUAGE if not (meaning(name) or name in known or generated_pattern(name))}
    assert sorted(free - {*TRIALS}) == sorted(HARMLESS), "reserve these in brainmem.model.checks.generated"


def test_every_object_that_a_translation_makes_is_reserved():
    known = {name for text in TEXTS for name in generated_objects(text)}
    assert sorted(OBJECTS - OWN - known - set(TRIALS)) == [], "reserve these in brainmem.model.checks.generated"


@pytest.mark.parametrize("role", ["population", "projection", "rule"])
def test_a_part_with_the_name_of_an_object_is_told(role):
    with pytest.raises(RuleError, match=r"the name 'exc_settled' is used for population 'exc'\. Choose another name"):
        model(name="exc_settled", role=role)


def test_functions_that_a_translation_calls_are_reserved():
    assert all(meaning(name) for name in ("halt_when", *COUNTER_FUNCTIONS))


REFUSED = (
    "r_over",
    "m_expected",
    "hebb_during",
    "noise_draw_1",
    "exc_span",
    "w_shadow",
    "s_twin",
    "scatter",
    "exc_fano",
)


@pytest.mark.parametrize("role", ROLES[:8])
@pytest.mark.parametrize("name", REFUSED)
def test_whatever_bears_such_a_name_is_told(role, name):
    with pytest.raises(RuleError, match=f"the name '{name}' is used for .*Choose another name"):
        model(name=name, role=role)


@pytest.mark.slow
def test_names_within_the_statements_of_cells_do_no_harm():
    """The names that cells give to values are as good as others for variables of the model."""
    neutral = [f"number_{place}" for place in range(len(HARMLESS))]
    found = []
    for names in (HARMLESS, neutral):
        written = model(name=" ".join(names), role="variable")
        found.append(
            simulate(written, "spiking", device="runtime", seed=2, parameters={"length": 5 * ms, "spike_dt": 1 * ms})
        )
    for name in ("mean_r", "mean_s", "ee_w", "power"):
        np.testing.assert_array_equal(found[0][name].values, found[1][name].values)

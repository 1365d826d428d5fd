"""The names that a translation, and a check of one, make of those of a model."""

from __future__ import annotations

import ast
import re

from brainmem.model.checks.reserved import CONTROLLER
from brainmem.model.checks.text import ModelText
from brainmem.model.curves import curve_names
from brainmem.model.names import (
    affine_tables,
    carrier_of,
    current_table,
    defined_name,
    during_gate,
    expected_name,
    fano_table,
    formed_name,
    gathering_of,
    kept_name,
    key_of_rank,
    late_name,
    part_name,
    ranks_of,
    reached_tables,
    settle_table,
    shadow_name,
    spread_of,
    statistic_name,
    twin_name,
    watched_of,
    window_gate,
)
from brainmem.model.nouns import LearningRule, Population, Projection
from brainmem.text.equations import identifiers, statement_lines
from brainmem.text.ranking import RANKING
from brainmem.text.statistics import STATISTICS, statistics_in

__all__ = ["generated_names", "generated_objects", "generated_pattern", "named_in_statements"]

# The endings of objects and events that are made for a population, by brainmem or by Brian2 itself.
POPULATION_ENDS = (
    *("cells", "output", "restart", "average", "clear", "trace", "sweep", "begin", "refresh", "average_monitor"),
    *("range", "settled", "counted", "drive_start", "moved"),
    *("spikes", "stateupdater", "subexpression_update", "spike_thresholder", "spike_resetter", "step_end_thresholder"),
)
PROJECTION_ENDS = ("pre", "post", "stateupdater", "subexpression_update", "update", "settle")
DRAWN = re.compile(r"\w+_draw_\d+(_\d+)?")
# What the rates of a population are read from: what ends their names, and those of the population's tables.
RATES = ("s", "s_kept", "activity", "phi", "total", "s_row", "s_rows", "s_start", "over", "under", "beyond", "place")
TABLES = ("span", "membrane", "resting")
# What `brainmem.verify` runs beside a model, or in place of its cells.
COUNTED = ("replayed", "scatter", "mean_count", "noise_count", "F_cells")
VERIFIED = "the check of the spiking variant, brainmem.verify,"


def generated_pattern(name: str) -> str:
    """Return what a name of this form is made for, ``""`` if for nothing."""
    return "the random numbers of one line" if DRAWN.fullmatch(name) else ""


def generated_names(text: ModelText) -> dict[str, str]:
    """Return the names that the translation makes of others, with what each stands for."""
    model = text.model
    made: dict[str, str] = {}
    for item in model.stimuli:
        ends = ("row", "values", "frame", "shown") if item.every else ("row", "values")
        made |= {f"{item.name}_{end}": f"a table of stimulus {item.name!r}" for end in ends}
    made |= {f"{item.name}_values": f"the table of pattern {item.name!r}" for item in model.patterns}
    made |= {f"{gate}_gate": f"the table of gate {gate!r}" for gate in model.protocol.gates}
    for rule in model.rules:
        made |= dict.fromkeys((*_of_rule(rule), *_of_statistics(text, rule)), f"rule {rule.name!r}")
    for name in {name for phase in model.protocol.phases for name in phase.start}:
        made |= dict.fromkeys(
            (f"{name}_row", f"{name}_rows", f"{name}_start", f"restart_{name}"), f"the start of {name!r}"
        )
    for population in model.populations:
        made |= _of_population(text, population)
    for projection in model.projections:
        what = f"the start weights of projection {projection.name!r}"
        made |= {f"{projection.name}_{name}": what for name in projection.initial}  # as draws read them
        made |= _of_synapses(text, projection)
        made |= _of_delay(text, projection)
    made |= _of_ranks(text)
    for item in model.observables:
        names = (carrier_of(item.name), gathering_of(item.name), defined_name(item.name))
        made |= dict.fromkeys(names, f"observable {item.name!r}")
    for name in text.scalars:
        what = f"{name!r}, a number of the whole network"
        made |= {spread_of(name, population.name): what for population in model.populations}
        made[watched_of(name)] = what
    return made if model.varied else _of_check(text) | made


def _of_ranks(text: ModelText) -> dict[str, str]:
    """Return the names of variables that hold ranks of units, as many as texts may ask for."""
    model = text.model
    texts = [entry.expr for entries in text.neurons.values() for entry in entries.values()]
    texts += [item.expression for item in model.observables]
    texts += [code for phase in model.protocol.phases for code in phase.end.values()]
    calls = len(re.findall(rf"\b({'|'.join(RANKING)})\s*\(", "\n".join(texts)))
    names = [f"rank_{number + 1}" for number in range(calls)]
    made = dict.fromkeys((*names, *map(key_of_rank, names)), "the ranks of units")
    return made | {ranks_of(item.name): "the ranks of units" for item in model.populations if calls}


def _of_rule(rule: LearningRule) -> list[str]:
    names = [f"{rule.name}_bounds"]
    if rule.episodic:
        window = window_gate(rule.name)
        names += [window, f"{window}_rate", f"{rule.name}_at", f"{rule.name}_episode"]
    return names + ([during_gate(rule.name), f"{during_gate(rule.name)}_gate"] if rule.during else [])


def _of_statistics(text: ModelText, rule: LearningRule) -> list[str]:
    """Return the names that the statistics of a rule need."""
    lines = [] if rule.continuous else [line.partition("=")[::2] for line in statement_lines(rule.text)]
    texts = [entry.expr for entry in text.rules[rule.name].values()] + [value.lstrip("=") for _, value in lines]
    called = [ast.unparse(node.func) for part in texts for node in statistics_in(part)]
    if not called:
        return []
    numbers = range(1, len(called) + 2)
    found = [statistic_name(rule.name, kind, number) for kind in STATISTICS for number in numbers]
    found += [name(rule.name, number) for name in (formed_name, part_name) for number in numbers]
    found.append(f"{rule.projection}_shuffled")
    targets = {target.rstrip("+-*/ ").strip() for target, _ in lines}
    return found + [kept_name(rule.name, target) for target in targets]


def generated_objects(text: ModelText) -> dict[str, str]:
    """Return the names of objects that are made for a model and its parts, with what each is made for."""
    model = text.model
    made = dict.fromkeys((*CONTROLLER, "steps", "trial_steps", "network", "clock"), "the protocol")
    made |= generated_names(text)
    made |= {name: f"curve {item.name!r}" for item in model.curves for name in curve_names([item])}
    for item in model.populations:
        recorded = [f"{name}_{end}" for name in text.neurons[item.name] for end in ("trace_monitor", "ends")]
        made |= {f"{item.name}_{end}": f"population {item.name!r}" for end in (*POPULATION_ENDS, *recorded)}
    for item in model.projections:
        kept = (f"{name}_snapshots" for name in text.synapses[item.name])
        parts = [end for end in ("source", "target") if getattr(item, f"{end}_units")]
        made |= {f"{item.name}_{end}": f"projection {item.name!r}" for end in (*PROJECTION_ENDS, *kept, *parts)}
    made |= {f"observe_{item.name}": f"observable {item.name!r}" for item in model.observables}
    return made | {f"{item.name}_{end}": f"rule {item.name!r}" for item in model.rules for end in ("pre", "post")}


def _of_population(text: ModelText, population: Population) -> dict[str, str]:
    entries = text.neurons[population.name].values()
    named = {name for phase in text.model.protocol.phases for name in phase.start} | named_in_statements(text)
    kept = [e.name for e in entries if e.kind == "differential" or e.name == population.state or e.name in named]
    rate, drive, state = population.rate, population.drive, population.state
    names = [f"{name}_kept" for name in kept]
    names += [f"{rate}_{end}" for end in RATES] if rate else []
    names += [f"{drive}_input", f"{drive}_input_kept"] if drive else []
    names += [f"{state}_field"] if state else []
    if any(item.rate for item in text.model.populations):
        names += [f"{expected_name(entry.name)}{end}" for entry in entries for end in ("", "_kept")]
    made = dict.fromkeys(names, f"the spiking variant or the protocol of population {population.name!r}")
    made |= dict.fromkeys(_tables(population.name) if rate else (), f"the f-I table of population {population.name!r}")
    started = {*population.initial, *([drive, f"{rate}_s"] if rate else [])}
    return made | {f"{population.name}_{name}": f"start values of population {population.name!r}" for name in started}


def named_in_statements(text: ModelText) -> set[str]:
    """Return every name that stands in the statements of phases, also in those that cannot be read."""
    phases = text.model.protocol.phases
    return set().union(*(identifiers(code) for p in phases for part in (p.begin, p.end) for code in part.values()), ())


def _tables(population: str) -> tuple[str, ...]:
    own = (f"{population}_{end}" for end in TABLES)
    affine = (*affine_tables(population), *reached_tables(population))
    return (current_table(population), *affine, settle_table(population), *own)


def _of_synapses(text: ModelText, projection: Projection) -> dict[str, str]:
    entries = text.synapses[projection.name].values()
    changed = {f"change_of_{entry.name}" for entry in entries if entry.kind == "differential"}
    if any(item.rate for item in text.model.populations):
        changed |= {expected_name(entry.name) for entry in entries}
    return dict.fromkeys(changed, f"the rules of projection {projection.name!r}")


def _of_delay(text: ModelText, projection: Projection) -> dict[str, str]:
    """Return the names by which synapses with a delay read their presynaptic units."""
    if not projection.delay:
        return {}
    population = next(item for item in text.model.populations if item.name == projection.source)
    own = {*text.neurons[projection.source], "count", "unit_spike"} | {f"{population.rate}_{end}" for end in RATES}
    own |= {item.name for item in text.model.stimuli if item.population == projection.source}
    names = [late_name(name, projection.name) for name in own]
    names += [f"{name}_next_{projection.name}" for name in own]
    names += [f"{name}{end}" for name in names for end in ("_store", "_follow")] + [f"{projection.name}_late_begin"]
    return dict.fromkeys(names, f"the delay of projection {projection.name!r}")


def _of_check(text: ModelText) -> dict[str, str]:
    """Return the names that a check of the spiking variant needs beside those of a model."""
    rated = [item for item in text.model.populations if item.rate]
    if not (rated and text.model.rules):
        return {}
    own = {name for entries in (*text.neurons.values(), *text.synapses.values()) for name in entries}
    shadows = {shadow_name(name) for entries in text.synapses.values() for name in entries}
    numbered = {f"{name}_{place + 1}" for name in shadows for place in range(len(text.model.rules))}
    parts = (*text.model.rules, *text.model.observables)
    names = {twin_name(name) for name in {*own, *shadows, *numbered, *(part.name for part in parts)}}
    names |= shadows | numbered | {fano_table(item.name) for item in rated} | set(COUNTED)
    names |= {f"{item.rate}_{end}" for item in rated for end in ("scatter", "scatter_before")}
    names |= {f"{item.drive}_asked" for item in rated}
    names |= {f"{name}_at_{phase.name}" for phase in text.model.protocol.phases for name in phase.start}
    return dict.fromkeys(names, VERIFIED)

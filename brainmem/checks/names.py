"""Checks of names: those that Brian2, a compiler or the translation need, and those that would collide."""

from __future__ import annotations

import keyword
from collections.abc import Iterator

from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_CONSTANTS, DEFAULT_UNITS

from brainmem.checks.place import Place, place_of
from brainmem.checks.text import ModelText
from brainmem.errors import RuleError

__all__ = ["CELL_PARAMETERS", "check_names"]

BRIAN2 = {"t", "dt", "xi", "i", "j", "N", "t_in_timesteps", "lastspike", "not_refractory", "refractory"}
CONTROLLER = {
    *("step", "elapsed", "ended", "complete", "snapshot", "n_steps", "count", "phase_time", "tick"),
    *("averaging", "phase_begin", "put_back", "set_aside", "unit_spike"),
    *("step_begin", "step_end", "step_duration", "step_phase", "step_average", "step_snapshot"),
    *("step_set_aside", "step_put_back"),
    *("protocol", "protocol_advance", "protocol_next", "protocol_show", "halt_when"),
}
# The parameters that every spiking variant adds.
CELL_PARAMETERS = ("rate_max", "cells_per_unit", "tau_m", "t_ref", "sigma_v", "spike_dt")
# Attributes of Brian2's groups: a variable of that name could not be set or recorded.
ATTRIBUTES = {
    *("active", "clock", "connect", "contained_objects", "delay", "equations", "events", "id", "name"),
    *("namespace", "order", "objects", "resetter", "spikes", "start", "state", "state_updater", "stop", "when"),
    *("subexpression_updater", "summed_updaters", "thresholder", "updaters", "variables"),
}
CPP = {
    "alignas", "alignof", "asm", "auto", "bool", "case", "catch", "char", "class", "const", "constexpr",
    "default", "delete", "do", "double", "else", "enum", "explicit", "export", "extern", "false", "float",
    "for", "friend", "goto", "if", "inline", "int", "long", "main", "mutable", "namespace", "new", "operator",
    "private", "protected", "public", "register", "return", "short", "signed", "sizeof", "static", "struct",
    "switch", "template", "this", "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned",
    "using", "virtual", "void", "volatile", "while",
}  # fmt: skip


def check_names(text: ModelText) -> None:
    """Refuse names with another meaning, and names that two things share."""
    made = generated_names(text)
    for place, name in _declared(text):
        reason = _reason(name, made)
        if reason and not (name == "N" and "parameter" in place.where):
            text.found.note(place.error(f"the name {name!r} {reason}. Choose another name."))
    _check_objects(text, made)
    _check_shared(text)
    _check_variables(text)


def _reason(name: str, made: dict[str, str]) -> str:
    if not name.isidentifier() or not name.isascii():
        return "is not made of letters, digits and _"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "is a Python keyword"
    meanings = (
        (DEFAULT_FUNCTIONS, "is a function of Brian2"),
        (DEFAULT_UNITS, "is a unit"),
        (DEFAULT_CONSTANTS, "is a constant of Brian2"),
        (BRIAN2, "has a meaning of its own in Brian2"),
        (ATTRIBUTES, "is an attribute of Brian2's groups"),
        (CONTROLLER, "is used by the protocol itself"),
        (CELL_PARAMETERS, "is a parameter of every spiking variant, which MemoryModel(spiking={...}) sets"),
        (CPP, "is a keyword of C++, to which equations are compiled"),
    )
    for names, reason in meanings:
        if name in names:
            return reason
    if name.endswith(("_pre", "_post")):
        return "ends in _pre or _post, which in synapses tell whose variable is meant"
    if name.startswith("_"):
        return "starts with an underscore"
    return f"is used for {made[name]}" if name in made else ""


def _declared(text: ModelText) -> Iterator[tuple[Place, str]]:
    """Yield every name that equations may read, with its place."""
    model = text.model
    kinds = {"parameter": model.parameters, "stimulus": model.stimuli, "observable": model.observables}
    for kind, items in kinds.items():
        for item in items:
            yield place_of(model, kind, item.name), item.name
    for gate in model.protocol.gates:
        yield place_of(model, "gate", gate), gate
    for kind, owners in (("population", text.neurons), ("projection", text.synapses)):
        for owner, entries in owners.items():
            for name in entries:
                yield place_of(model, kind, owner), name


def generated_names(text: ModelText) -> dict[str, str]:
    """Return the names that the translation makes of others, with what each stands for."""
    model = text.model
    made: dict[str, str] = {}
    for item in model.stimuli:
        ends = ("row", "values", "frame", "shown") if item.every else ("row", "values")
        made |= {f"{item.name}_{end}": f"a table of stimulus {item.name!r}" for end in ends}
    made |= {f"{gate}_gate": f"the table of gate {gate!r}" for gate in model.protocol.gates}
    for rule in model.rules:
        ends = ("window", "window_rate", "at", "episode", "bounds") if rule.episodic else ("bounds",)
        made |= {f"{rule.name}_{end}": f"rule {rule.name!r}" for end in ends}
    for name in {name for phase in model.protocol.phases for name in phase.start}:
        made |= dict.fromkeys((f"{name}_row", f"{name}_start", f"restart_{name}"), f"the start of {name!r}")
    for population in model.populations:
        made |= _of_population(text, population)
    return made


def _of_population(text: ModelText, population) -> dict[str, str]:
    entries = text.neurons[population.name].values()
    state = [f"{e.name}_kept" for e in entries if e.kind == "differential" or e.name == population.state]
    rate, drive = population.rate, population.drive
    ends = ("s", "s_kept", "activity", "phi", "total", "s_row", "s_start") if rate else ()
    names = [*state, *(f"{rate}_{end}" for end in ends)]
    names += [f"{drive}_input", f"{drive}_input_kept"] if drive else []
    made = dict.fromkeys(names, f"the spiking variant or the protocol of population {population.name!r}")
    made[f"{population.name}_current"] = f"the f-I table of population {population.name!r}"
    return made


def _check_objects(text: ModelText, made: dict[str, str]) -> None:
    model = text.model
    taken = dict.fromkeys((*CONTROLLER, "steps", "trial_steps", "network"), "the protocol") | made
    for item in model.populations:
        ends = ("cells", "output", "restart", "average", "clear", "trace", "sweep", "begin", "refresh")
        taken |= {f"{item.name}_{end}": f"population {item.name!r}" for end in ends}
    parts = {"source": "source_units", "target": "target_units"}
    taken |= {
        f"{p.name}_{end}": f"projection {p.name!r}"
        for p in model.projections
        for end in parts
        if getattr(p, parts[end])
    }
    taken |= {f"observe_{item.name}": f"observable {item.name!r}" for item in model.observables}
    taken |= {f"{item.name}_{end}": f"rule {item.name!r}" for item in model.rules for end in ("pre", "post")}
    kinds = {"population": model.populations, "projection": model.projections, "rule": model.rules}
    for kind, items in kinds.items():
        for item in items:
            if item.name in taken:
                reason = f"the name {item.name!r} is used for {taken[item.name]}. Choose another name."
                text.found.note(place_of(model, kind, item.name).error(reason))


def _check_shared(text: ModelText) -> None:
    """Refuse one name for two of parameters, stimuli, gates and observables."""
    model, seen = text.model, {}
    for kind, names in _global_names(model).items():
        for name in names:
            if name in seen:
                reason = f"{name!r} is the name of a {seen[name]} too. Rename one."
                text.found.note(place_of(model, kind, name).error(reason))
            seen[name] = kind


def _global_names(model) -> dict[str, list[str]]:
    return {
        "parameter": [item.name for item in model.parameters],
        "stimulus": [item.name for item in model.stimuli],
        "gate": list(model.protocol.gates),
        "observable": [item.name for item in model.observables],
    }


def _check_variables(text: ModelText) -> None:
    """Refuse variables that hide a parameter, gate or observable, or a stimulus of their own population."""
    model = text.model
    known = {name: kind for kind, names in _global_names(model).items() for name in names}
    for population in model.populations:
        others = {item.name for item in model.stimuli if item.population != population.name}
        place = place_of(model, "population", population.name, population.equations)
        for entry in text.neurons[population.name].values():
            if entry.name in known and entry.name not in others:
                text.found.note(_collision(place, entry.name, known, entry.line))
    for projection in model.projections:
        for name in text.synapses[projection.name]:
            if name in known:
                place = place_of(model, "projection", projection.name)
                text.found.note(_collision(place, name, known, 0))


def _collision(place: Place, name: str, known: dict[str, str], line: int) -> RuleError:
    kind = known[name]
    article = "an" if kind[0] in "aeiou" else "a"
    return place.error(f"the variable {name!r} has the name of {article} {kind}. Rename one.", line=line)

"""Check that no name of a model is one that its results have for something else."""

from __future__ import annotations

from brainmem.model.checks.place import place_of
from brainmem.model.checks.text import ModelText

__all__ = ["check_recorded"]

# What every result may hold, and the names of its axes.
HELD = {
    **dict.fromkeys(("step_phase", "step_item", "step_epoch", "step_repeat"), "the protocol's steps"),
    **dict.fromkeys(("step_duration", "step_fulfilled", "step_uncued"), "the protocol's steps"),
    **dict.fromkeys(("trial_duration", "trial_fulfilled"), "the protocol's steps"),
    **dict.fromkeys(("spike_time", "spike_cell", "spike_unit", "spike_trial"), "spikes"),
    **dict.fromkeys(("time", "epoch", "step", "item", "trial", "unit", "frame", "post", "pre", "spike"), "an axis"),
}


def check_recorded(text: ModelText) -> None:
    """Refuse observables, patterns, stimuli and variables whose records would take the place of others in a result."""
    model, held = text.model, HELD | _made(text)
    kinds = {"observable": model.observables, "pattern": model.patterns, "stimulus": model.stimuli}
    named = [(kind, item.name, item.name) for kind, items in kinds.items() for item in items]
    named += [("population", owner, name) for owner, entries in text.neurons.items() for name in entries]
    for kind, owner, name in named:
        if name in held:
            what = "the variable" if kind == "population" else "the name"
            text.found.note(
                place_of(model, kind, owner).error(
                    f"{what} {name!r} is what results call {held[name]}. Choose another name."
                )
            )


def _made(text: ModelText) -> dict[str, str]:
    """Return the names that results make of those of a model, with what each stands for."""
    model, made = text.model, {}
    for population in model.populations:
        ends = ("unit", "index", "spike", "spike_time", "spike_cell", "spike_trial")
        made |= {f"{population.name}_{end}": f"a record of population {population.name!r}" for end in ends}
        for name in text.neurons[population.name]:
            whole = f"end_{population.name}_{name}"  # where the model itself has an end_<name>
            made |= dict.fromkeys((f"end_{name}_step", whole, f"{whole}_step"), f"{name!r} as steps end")
        if population.rate:
            names = (f"mean_{population.rate}", f"mean_{population.name}_{population.rate}")
            made |= dict.fromkeys(names, f"the rates of {population.name!r} averaged over each step")
    for projection in model.projections:
        names = [f"{projection.name}_{end}" for end in ("post", "pre", *projection.initial)]
        names += [f"{projection.name}_{name}_epoch" for name in text.synapses[projection.name]]
        made |= dict.fromkeys(names, f"the weights of projection {projection.name!r}")
    for item in model.all_patterns:
        made |= {f"{item.name}_{end}": f"an axis of {item.kind} {item.name!r}" for end in ("item", "frame", "trace")}
    return made

"""The controller of the protocol: one unit that advances the step and its time; and, of many trials, each one's end.

The schedule is flattened into steps (one phase for one item), and the controller's ``step`` is an index into tables
(`brainmem.translation.protocol`). All of it is plain Brian2 text, so that it runs within one ``run()`` on every target.
"""

from __future__ import annotations

from collections.abc import Iterator

from brainmem.model.memory import MemoryModel
from brainmem.model.names import statistic_name
from brainmem.model.nouns import Stimulus
from brainmem.text.equations import Equation, identifiers, rename
from brainmem.translation import schedule
from brainmem.translation.restarts import restarts
from brainmem.translation.sizes import ONE, Link
from brainmem.translation.text import Group, Operation

__all__ = [
    "CONTROLLER",
    "FOLLOWED",
    "SHUFFLE_SEED",
    "START_SEED",
    "STOPS",
    "TRIAL",
    "VISIT_SEED",
    "controller",
    "has_until",
    "run_numbers",
    "stop_apart",
    "trial_group",
]

CONTROLLER = "protocol"
TRIAL = "trial"
FOLLOWED = (("step", "1"), ("elapsed", "second"), ("ended", "1"))
START_SEED = "start_seed"
VISIT_SEED = "visit_seed"
SHUFFLE_SEED = "shuffle_seed"
# Of a trial that stops by itself: whether it has, for how long its phase went on, and whether it did in this time step.
STOPS = {"stopped": "1", "lasted": "second", "going": "1"}


def run_numbers(model: MemoryModel) -> tuple[str, ...]:
    """Return the numbers of the controller that belong to a run: its steps, the seeds of starts, visits, shuffles."""
    drawing = any(item.on_device for item in restarts(model).values())
    visiting = any(population.sequential for population in model.populations)
    shuffling = any(
        statistic_name(rule.name, "shuffle", 1) in identifiers(model.projection(rule.projection).variables)
        for rule in model.rules
    )
    seeds = {START_SEED: drawing, VISIT_SEED: visiting, SHUFFLE_SEED: shuffling}
    return ("n_steps", *(name for name, wanted in seeds.items() if wanted))


def has_until(model: MemoryModel) -> bool:
    """Return whether any phase has an end condition."""
    return any(phase.until for phase in model.protocol.phases)


def stop_apart(model: MemoryModel) -> bool:
    """Return whether each of many trials stops by itself: its units are visited no more once its phase is fulfilled."""
    return has_until(model) and any(population.sequential for population in model.populations)


def controller(model: MemoryModel, *, trials: bool = False) -> Group:
    """Return the group that advances the protocol; of several trials, `trial_group` observes each."""
    observed = [Equation(item.name, "parameter", item.unit) for item in model.observables]
    held = [Equation("held", "parameter", "1")] if has_until(model) else []  # the trials whose condition holds
    held += [Equation("loop_held", "parameter", "1")] if model.protocol.loops else []
    fulfilled = [Equation("fulfilled", "parameter", "1")] if has_until(model) else []
    fulfilled += [Equation("loop_fulfilled", "parameter", "1")] if model.protocol.loops else []
    framed = [item for item in model.stimuli if item.every]
    lines = [
        Equation("step", "parameter", "1"),
        Equation("elapsed", "parameter", "second"),
        Equation("ended", "parameter", "1"),
        Equation("averaging", "parameter", "1"),
        Equation("snapshot", "parameter", "1"),
        Equation("complete", "parameter", "1"),
        *(Equation(name, "parameter", "1", flags=("shared", "constant")) for name in run_numbers(model)),
        *([Equation("tick", "parameter", "1")] if framed else []),  # time steps since the phase began
        *(Equation(f"{item.name}_shown", "parameter", "1") for item in framed),
        *fulfilled,
        *(held if trials else observed),
    ]
    return Group(
        name=CONTROLLER,
        size=ONE,
        equations="\n".join(map(str, lines)),
        events={"step_end": ("ended > 0.5", *schedule.ENDED)},
        operations=(*_show(framed), _advance(model, trials), *_epoch_end(model, trials), _next(model, bool(framed))),
        constants=() if trials else _condition_parameters(model),
    )


def trial_group(model: MemoryModel) -> Group:
    """Return the group with a unit per trial: its observables, and whether its phase's end condition holds."""
    lines = [Equation(item.name, "parameter", item.unit) for item in model.observables]
    lines += [Equation(name, "parameter", unit, flags=("linked",)) for name, unit in FOLLOWED]
    if has_until(model):
        lines.append(Equation("held", "subexpression", "1", " + ".join(_held(model))))
    if model.protocol.loops:
        lines.append(Equation("loop_held", "subexpression", "1", " + ".join(_loop_conditions(model))))
    if stop_apart(model):
        lines += [Equation(name, "parameter", unit) for name, unit in STOPS.items()]
    return Group(
        name=TRIAL,
        size=ONE,
        equations="\n".join(map(str, lines)),
        events={"step_end": ("ended > 0.5", *schedule.ENDED)},
        operations=_stop() if stop_apart(model) else (),
        links={name: Link(CONTROLLER, name) for name, _ in FOLLOWED},
        constants=_condition_parameters(model),
    )


def _stop() -> tuple[Operation, ...]:
    """Return what lets a trial stop where its condition holds, and begin again with the next step of the protocol."""
    stop = "going = 1 - stopped\nlasted = lasted + going*dt\nstopped = clip(stopped + held, 0, 1)"
    clear = "lasted = lasted*(1 - ended)\nstopped = stopped*(1 - ended)"
    return (
        Operation("trial_stop", stop, *schedule.STOP_TRIALS),
        Operation("trial_next", clear, *schedule.CLEAR),
    )


def _held(model: MemoryModel) -> Iterator[str]:
    """Yield the conditions as a trial reads them: the controller counts this step later."""
    return (rename(text, {"elapsed": "(elapsed + dt)"}) for text in _conditions(model))


def _conditions(model: MemoryModel) -> Iterator[str]:
    """Yield 1 for each phase that is the present one and whose end condition holds, else 0."""
    for index, phase in enumerate(model.protocol.phases):
        if phase.until:
            yield f"int(step_phase(step*second) == {index})*int({phase.until})"


def _loop_conditions(model: MemoryModel) -> Iterator[str]:
    """Yield 1 for each `Repeat` of which an epoch ends with the present step and whose condition holds, else 0."""
    for number, entry in enumerate(model.protocol.loops, 1):
        yield f"int(step_loop(step*second) == {number})*int({entry.until})"


def _condition_parameters(model: MemoryModel) -> tuple[str, ...]:
    used = identifiers(model.protocol.conditions)
    return tuple(item.name for item in model.parameters if item.name in used)


def _advance(model: MemoryModel, trials: bool) -> Operation:
    code = ["elapsed = elapsed + dt", "averaging = int(elapsed > step_average(step*second) + 0.5*dt)"]
    code += ["ended = int(elapsed > step_duration(step*second) - 0.5*dt)"]
    if has_until(model):
        conditions = ["int(held > trials - 0.5)"] if trials else [*_conditions(model)]
        code.append(f"fulfilled = {' + '.join(conditions)}")
        code.append("ended = clip(ended + fulfilled, 0, 1)")
    code.append("snapshot = ended*step_snapshot(step*second)")
    return Operation("protocol_advance", "\n".join(code), *schedule.ADVANCE)


def _epoch_end(model: MemoryModel, trials: bool) -> tuple[Operation, ...]:
    """Return the operation that reads the conditions of repetitions, when observables are as results hold them."""
    if not model.protocol.loops:
        return ()
    held = "int(loop_held > trials - 0.5)" if trials else f"({' + '.join(_loop_conditions(model))})"
    return (Operation("protocol_epoch_end", f"loop_fulfilled = ended*{held}", *schedule.EPOCH_END),)


def _show(framed: list[Stimulus]) -> tuple[Operation, ...]:
    """Return the operation that finds the rows now shown, once and not for every unit."""
    code = []
    for item in framed:
        row = f"{item.name}_row(step*second)"
        code.append(f"{item.name}_shown = {row} + int({row} > 0.5)*{item.name}_frame(tick*second)")
    return (Operation("protocol_show", "\n".join(code), *schedule.SHOW),) if code else ()


def _next(model: MemoryModel, framed: bool) -> Operation:
    passed = "ended"
    if model.protocol.loops:
        passed = "ended*(1 + step_skip(step*second)) + loop_fulfilled*step_leap(step*second)"
    code = f"step = step + {passed}\nelapsed = elapsed*(1 - ended)\ncomplete = int(step > n_steps - 0.5)"
    code += "\ntick = (tick + 1)*(1 - ended)" if framed else ""
    return Operation("protocol_next", code, *schedule.NEXT)

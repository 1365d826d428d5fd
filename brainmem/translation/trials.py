"""Run many trials of one network at once: every unit once per trial, the weights shared.

Unit ``i`` of trial ``b`` stands at ``i*trials + b`` in its group, so that trials lie side by side and a projection
is the product of one matrix with a matrix of rates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from brainmem.errors import TranslationError
from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Parameter
from brainmem.model.reading import model_names
from brainmem.text.equations import Equation, read_equations, rename, write_equations
from brainmem.text.slices import apart
from brainmem.translation.controller import CONTROLLER, STOPS, TRIAL, stop_apart
from brainmem.translation.restarts import restarts, rows_of_trials
from brainmem.translation.schedule import AVERAGE
from brainmem.translation.sizes import CELLS, TRIALS, Link, Pairs, Size
from brainmem.translation.text import Connection, Group, Operation, Table, Translation, Visits

__all__ = ["connect_arguments", "spread"]

# Brian2's own names, as a unit within its trial knows them.
_WITHIN = {name: f"({name}//{TRIALS})" for name in ("N", "N_pre", "N_post", "i", "j")}


def spread(translated: Translation, trials: int | range, trial_inputs: tuple[str, ...]) -> Translation:
    """Return `translated` with every unit `trials` times, once per trial.

    Parameters
    ----------
    trials : int or range
        How many, or the items of which each trial shows one: tables have rows of its own for each trial.
    trial_inputs : tuple of str
        Patterns and stimuli of which every trial has its own rows.

    Raises
    ------
    TranslationError
        When the number is not positive, a rule could change the weights, or the model uses a name that is needed.
    """
    shown, number = (trials, len(trials)) if isinstance(trials, range) else (None, trials)
    _check(translated, number)
    known = restarts(translated.model)
    own = {f"{name}_start" for name in known}
    own |= {f"{name}_values" for name in trial_inputs}
    if shown is not None:
        translated = _numbering_starts(translated, [name for name, item in known.items() if item.on_device])
        own |= {f"{item.name}_values" for item in translated.model.all_patterns}
    return replace(
        translated,
        parameters=(*translated.parameters, Parameter(TRIALS, number, meaning="independent trials run at once")),
        trials=number,
        shown=shown,
        groups=tuple(_group(group, own, translated.model) for group in translated.groups),
        connections=tuple(_connection(item) for item in translated.connections),
        tables=tuple(_table(table, own) for table in translated.tables),
    )


def _numbering_starts(translated: Translation, drawn: Iterable[str]) -> Translation:
    """Return `translated` with each trial drawing its start values by the numbers that its item has alone."""
    meaning = "number of the start value of {} in the run that shows the items one after the other, for each trial"
    tables = (Table(rows_of_trials(name), Size("1", trials=True), meaning=meaning.format(name)) for name in drawn)
    changed = {f"{name}_row": rows_of_trials(name) for name in drawn}
    groups = tuple(
        replace(group, operations=tuple(replace(op, code=_numbered(op.code, changed)) for op in group.operations))
        for group in translated.groups
    )
    return replace(translated, groups=groups, tables=(*translated.tables, *tables))


def _numbered(code: str, rows: Mapping[str, str]) -> str:
    for row, of_trials in rows.items():
        drawn = rf"(\bcounter_\w+\([^,]*, ){row}\(step ?\* ?second\), i, 0,"
        code = re.sub(drawn, rf"\1{of_trials}(step*second, _i % {TRIALS}), _i//{TRIALS}, 0,", code)
    return code


def _check(translated: Translation, trials: int) -> None:
    model = translated.model
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise TranslationError(f"trials={trials!r}: give a whole number of at least 1, or None for a plain run.")
    if model.rules:
        rules = ", ".join(rule.name for rule in model.rules)
        raise TranslationError(
            f"Model {model.name!r}: trials share their weights, so no rule may change them; it has the rules {rules}. "
            "Translate freeze(model, phase) instead, which runs only the phases named, with fixed weights."
        )
    if stop_apart(model):
        _check_stops(model)
    taken = {item.name for item in (*translated.parameters, *model.populations)} | model_names(model)
    for name in (TRIALS, TRIAL, *(STOPS if stop_apart(model) else ())):
        if name in taken:
            raise TranslationError(
                f"Model {model.name!r}: it uses the name {name!r}, which a run of many trials needs. Rename it."
            )


def _check_stops(model: MemoryModel) -> None:
    """Refuse what would go on in a trial that has stopped: it would not be what a run of its own gives."""
    moving = [
        f"population {item.name!r}, whose {line.name!r} changes in time (d{line.name}/dt)"
        for item in model.populations
        for line in read_equations(item.equations)
        if line.kind == "differential"
    ]
    moving += [f"stimulus {item.name!r}, whose frames change in time" for item in model.stimuli if item.every]
    moving += [f"projection {item.name!r}, whose delay={item.delay!r}" for item in model.projections if item.delay]
    if moving:
        phase = next(phase for phase in model.protocol.phases if phase.until)
        raise TranslationError(
            f"Model {model.name!r}: its units are visited one at a time, and phase {phase.name!r} ends where "
            f"{phase.until!r} holds. Of many trials each stops by itself, but {moving[0]}, would go on. Run the trials "
            "one by one, with a seed each, or leave until= out."
        )


def _group(group: Group, own: set[str], model: MemoryModel) -> Group:
    if group.name == CONTROLLER:
        return group
    lines = [_line(line, own) for line in read_equations(group.equations)]
    links = {name: replace(link, size=replace(link.size, trials=True)) for name, link in group.links.items()}
    operations = tuple(_operation(op, own) for op in group.operations)
    averages = {op for op in operations if (op.when, op.order) == AVERAGE}
    if averages and stop_apart(model):  # of a trial, only until it stops
        lines.append(Equation("going", "parameter", "1", flags=("linked",)))
        links["going"] = Link(TRIAL, "going", each="trial", size=replace(group.size, trials=True))
        going = {"averaging": "(averaging*going)"}
        operations = tuple(replace(op, code=rename(op.code, going)) if op in averages else op for op in operations)
    return replace(
        group,
        size=replace(group.size, trials=True),
        equations=write_equations(lines),
        operations=operations,
        links=links,
        visits=_visits(group.visits) if group.visits else None,
    )


def _visits(visits: Visits) -> Visits:
    sums, follow = (
        {name: _within(text, set()) for name, text in texts.items()} for texts in (visits.sums, visits.follow)
    )
    return replace(visits, code=_within(visits.code, set()), sums=sums, follow=follow)


def _line(line: Equation, own: set[str]) -> Equation:
    return replace(line, expr=_within(line.expr, own)) if line.expr else line


def _operation(op: Operation, own: set[str]) -> Operation:
    if "delay_" in op.code:
        return op  # a unit of each trial has a place of its own
    return replace(op, code=_within(op.code, own))


def _within(text: str, own: set[str]) -> str:
    """Let text read what all trials share by the unit's number within its trial, and each trial's tables by its own."""
    for table in own:
        text = re.sub(rf"\b({table}\([^,]*), i\)", r"\1, _i)", text)
    text = re.sub(r"(\bcounter_\w+\([^,]*, [^,]*), i, 0,", rf"\1, _i//{TRIALS}, _i % {TRIALS},", text)
    return rename(text, {**_WITHIN, "_i": "i"})


def _connection(item: Connection) -> Connection:
    if item.target == CONTROLLER or item.pairs is Pairs.OWN_CELLS:
        return item
    lines = read_equations(item.equations)
    equations = write_equations(_line(line, set()) for line in lines)
    pathways = tuple(replace(path, code=_within(path.code, set())) for path in item.pathways)
    return replace(item, equations=equations, pathways=pathways, trials=True)


def _table(table: Table, own: set[str]) -> Table:
    if table.columns is None or table.name not in own:
        return table
    return replace(table, columns=replace(table.columns, trials=True))


def connect_arguments(item: Connection) -> dict[str, str]:
    """Return the keyword arguments of `Synapses.connect`; of trials, each joins its own units."""
    if item.pairs is Pairs.OWN_CELLS:
        return {"j": f"i//{CELLS}"}
    if item.trials:
        others = f" if {apart(item, f'i//{TRIALS}', 'k')}" if item.no_self else ""
        return {"j": f"{TRIALS}*k + i % {TRIALS} for k in range(N_post//{TRIALS}){others}"}
    return {"condition": apart(item, "i", "j")} if item.no_self else {}

"""What ``record=`` asks for: names of what a run records, each with the epochs or phases at which it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from brainmem.errors import RuleError, closest
from brainmem.model.nouns import Model, Population
from brainmem.model.phases import held_lines
from brainmem.numbers.run import Numbers
from brainmem.text.equations import read_equations
from brainmem.translation.controller import CONTROLLER
from brainmem.translation.moments import sums_behind
from brainmem.translation.recorded import Recorded, kept_at_end
from brainmem.translation.text import Translation

__all__ = ["LAST", "Records", "When", "end_label", "mean_label", "records_of", "total_of", "written"]

When = tuple[Any, ...] | None
END = "end_"  # in front of a variable: its values where steps end
STATE = "state"  # all that a run needs to go on from here
LAST = "last"  # the epoch with which a run ends, whichever it is


@dataclass(frozen=True)
class Records:
    """What a run records beside what every run does.

    Attributes
    ----------
    recorded : tuple of Recorded
        What the program records.
    synaptic : mapping of str to tuple of int and str, or None
        The synaptic variables, ``"recurrent.w"``, that the result holds, with the epochs after which: 0 is the start,
        ``"last"`` the end of the run; None stands for the start and all epochs.
    state : bool
        Whether the result holds the state in which the run ends.
    """

    recorded: tuple[Recorded, ...] = ()
    synaptic: Mapping[str, When] = field(default_factory=dict)
    state: bool = False


def records_of(translated: Translation, numbers: Numbers, record: Mapping[str, When]) -> Records:
    """Return what `record` asks for.

    Raises
    ------
    RuleError
        For a name that names nothing, listing what can be recorded; for epochs and phases that do not come.
    """
    found: list[Recorded] = list(_sums_of_rates(translated, numbers, record))
    synaptic: dict[str, When] = {}
    means = {mean_label(translated.model, item) for item in translated.model.populations if item.rate}
    for name, when in record.items():
        if name in means:
            continue
        if name == "weights" or name in numbers.weights:
            synaptic |= dict.fromkeys(numbers.weights if name == "weights" else (name,), when)
            _check_epochs(translated, numbers, name, when)
        elif name == "spikes":
            _check_whole(name, when)
            cells = [item.name for item in translated.groups if item.size.cells]
            found += [Recorded(owner, variable, "spikes") for owner in cells for variable in ("i", "t")]
        elif name == STATE:
            _check_whole(name, when)
            found += _state(translated)
        else:
            found.append(_of_units(translated, numbers, name, when))
    found += [item for name, when in synaptic.items() for item in _snapshots(translated, name, when)]
    return Records(tuple(dict.fromkeys(found)), synaptic or dict.fromkeys(numbers.weights, (0,)), STATE in record)


def _state(translated: Translation) -> Iterator[Recorded]:
    """Yield the state in which a run ends; the weights of trials are those of the start.

    Raises
    ------
    RuleError
        For projections with a delay: what is under way along them is not kept.
    """
    late = next((item for item in translated.connections if item.delay), None)
    if late is not None:
        raise RuleError(
            f"record={STATE!r}: projection {late.name!r} of {translated.model.name!r} has delay={late.delay!r}, and "
            "what is under way along it when the run ends is not kept. Run both parts in one protocol, or hand over "
            "weights= and initial=; then all counts as having been as it is at the beginning."
        )
    groups = {item.name for item in translated.groups}
    for owner, variable in kept_at_end(translated):
        if owner in groups or not translated.trials:
            yield Recorded(owner, variable, "end")


def mean_label(model: Model, population: Population) -> str:
    """Return what results call the mean rates of a population."""
    rates = [item.rate for item in model.populations]
    own = population.rate if rates.count(population.rate) == 1 else f"{population.name}_{population.rate}"
    return f"mean_{own}"


def total_of(population: Population) -> str:
    """Return the variable that adds up the rates of a population while they are averaged."""
    return f"{population.rate}_total"


def _sums_of_rates(translated: Translation, numbers: Numbers, record: Mapping[str, When]) -> Iterator[Recorded]:
    """Yield what mean rates are made from: of all phases, or of those whose state is scored and those asked for.

    They are of all phases unless nothing is to be recorded, or mean rates are among what is.
    """
    model = translated.model
    rated = [(item, mean_label(model, item)) for item in model.populations if item.rate]
    whole = bool(record) and not any(label in record for _, label in rated)
    scored = {phase.name for phase in model.protocol.phases if phase.average}
    scored |= {model.recalled.phase} if model.recalled else set()
    every = range(1, len(model.protocol.phases) + 1)
    for population, label in rated:
        asked = None if whole else record.get(label, ())
        at = tuple(every) if asked is None else _phases(translated, numbers, label, asked) if asked else ()
        at = tuple(place for place in every if place in at or model.protocol.phases[place - 1].name in scored)
        if at == tuple(every):
            yield Recorded(population.name, total_of(population), "steps")
        elif at:
            yield Recorded(population.name, total_of(population), "ends", at)


def _check_whole(name: str, when: When) -> None:
    if when is not None:
        raise RuleError(
            f"record={{{name!r}: {when!r}}}: it is recorded {'at the end' if name == STATE else 'in time'}, and takes "
            "neither epochs nor phases. Write "
            f"{{{name!r}: None}}."
        )


def _check_epochs(translated: Translation, numbers: Numbers, name: str, when: When) -> None:
    """Refuse epochs that do not come."""
    if when is None:
        return
    last = int(numbers.plan.snapshot.max())
    for epoch in when:
        if epoch != LAST and not (isinstance(epoch, int) and 0 <= epoch <= last):
            raise RuleError(
                f"record={{{name!r}: {when!r}}}: {epoch!r} is no epoch after which it can be recorded. The protocol of "
                f"{translated.model.name!r} has the epochs (and entries beside them) 1 to {last}; 0 is the start, "
                f"{LAST!r} the one with which the run ends."
            )
        if epoch != 0 and translated.trials:
            raise RuleError(
                f"record={{{name!r}: {when!r}}}: trials share weights that stay as they are. Write {{{name!r}: (0,)}}."
            )


def _snapshots(translated: Translation, name: str, when: When) -> Iterator[Recorded]:
    """Yield what records a synaptic variable after these epochs; its start is known."""
    owner, variable = name.split(".")
    if translated.trials:
        return
    epochs = () if when is None else tuple(sorted({epoch for epoch in when if epoch not in (0, LAST)}))
    if when is None or epochs:
        yield Recorded(owner, variable, "epochs", epochs)
    if when is not None and LAST in when:
        yield Recorded(owner, variable, "end")


def _of_units(translated: Translation, numbers: Numbers, name: str, when: When) -> Recorded:
    """Return the variable of units that a name stands for: ``"x"`` or ``"units.x"`` in time, ``"end_x"`` at ends."""
    in_time = [
        Recorded(item.name, line.name, "time")
        for item in translated.groups
        for line in read_equations(item.equations)
        if "linked" not in line.flags and "shared" not in line.flags
    ]
    at_ends = list(_at_ends(translated))
    matches = [item for item in in_time if name in _names(item)]
    matches = matches or [item for item in at_ends if name in _names(item)]
    own = [item for item in matches if _is_own(translated, item)]
    matches = own or matches  # not the copies that others read, or those of the unit's cells
    if len(matches) != 1:
        keys = [next(_names(item)) for item in (*in_time, *at_ends)]
        means = [mean_label(translated.model, item) for item in translated.model.populations if item.rate]
        known = ["weights", "spikes", STATE, *numbers.weights, *keys, *means]
        reason = "is ambiguous" if matches else "names nothing that can be recorded"
        left_out = [item for item in translated.model.unused if _means(item, name)]
        if left_out and not matches:
            reason += f", as nothing in its {_protocol(translated)} needs the {left_out[0]},"
        raise RuleError(
            f"record={name!r} {reason} in the {translated.variant} variant of {translated.model.name!r}; allowed: "
            f"{', '.join([next(_names(item)) for item in matches] or known)}."
            f"{closest(name, [*known, *(item.variable for item in in_time)])}"
        )
    if matches[0].kind == "time":
        _check_whole(name, when)
        return matches[0]
    return matches[0]._replace(at=_phases(translated, numbers, name, when))


def _is_own(translated: Translation, item: Recorded) -> bool:
    """Tell whether a variable stands in the model as written: in a population, or as an observable."""
    model = translated.written or translated.model
    if item.owner == CONTROLLER:
        return item.variable in {found.name for found in model.observables}
    lines = [found.equations for found in model.populations if found.name == item.owner]
    return item.variable in {line.name for line in read_equations(*lines)}


def _means(left_out: str, name: str) -> bool:
    """Tell whether a name in ``record=`` is that of something which a protocol leaves out, ``"variable units.u"``."""
    word, _, known = left_out.partition(" ")
    return word in ("gate", "stimulus", "variable") and known.rpartition(".")[2] == name.rpartition(".")[2]


def _protocol(translated: Translation) -> str:
    name = translated.model.protocol.name
    return f"protocol {name!r}" if name else "phases"


def _names(item: Recorded) -> Iterator[str]:
    """Yield the names under which a variable of units may be asked for."""
    begin = END if item.kind == "ends" else ""
    yield f"{begin}{item.owner}.{item.variable}"
    yield f"{begin}{item.variable}"


def _at_ends(translated: Translation) -> Iterator[Recorded]:
    """Yield the variables whose values are those of the moment where a step ends."""
    model = translated.written or translated.model
    for owner, variable in _end_names(model):
        lines = {line.name for line in read_equations(translated.group(owner).equations)}
        if variable in lines and not sums_behind(translated, owner, [variable]):
            yield Recorded(owner, variable, "ends")


def _end_names(model: Model) -> Iterator[tuple[str, str]]:
    """Yield the variables of units that keep a value, and the rates, as (population, variable)."""
    for population in model.populations:
        names = [line.name for line in held_lines(model, population)]
        yield from ((population.name, name) for name in dict.fromkeys([*names, *filter(None, [population.rate])]))


def end_label(model: Model, owner: str, variable: str) -> str:
    """Return what results call a variable as steps end: a name that nothing else has."""
    known = [name for _, name in _end_names(model)]
    taken = {item.name for item in (*model.all_patterns, *model.observables)}
    taken |= {line.name for item in model.populations for line in read_equations(item.equations)}
    label = f"{END}{variable}"
    return label if known.count(variable) == 1 and label not in taken else f"{END}{owner}_{variable}"


def _phases(translated: Translation, numbers: Numbers, name: str, when: When) -> tuple[int, ...]:
    """Return the places of phases in the protocol, counted from 1; none for all."""
    if when is None:
        return ()
    phases = [phase.name for phase in translated.model.protocol.phases]
    wrong = [item for item in when if item not in phases]
    if wrong or not when:
        near = closest(wrong[0], phases) if wrong and isinstance(wrong[0], str) else ""
        raise RuleError(
            f"record={{{name!r}: {when!r}}}: give the phases at whose ends it is kept. Those of "
            f"{translated.model.name!r}: {', '.join(phases)}.{near}"
        )
    return tuple(sorted({phases.index(item) + 1 for item in when}))


def written(record: Mapping[str, When]) -> list[str]:
    """Return what `record` asks for as sorted texts, by which sweeps know it."""
    return sorted(name if when is None else f"{name} at {_listed(when)}" for name, when in record.items())


def _listed(when: Iterable[Any]) -> str:
    return ", ".join(map(str, when))

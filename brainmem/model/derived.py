"""Models made from others: with other default values, other parts, or without some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from brainmem.errors import RuleError, closest, quoted
from brainmem.model import nouns
from brainmem.model.checks.reserved import CELL_PARAMETERS
from brainmem.model.choices import check_options
from brainmem.model.combined import combined
from brainmem.model.nouns import Model
from brainmem.model.parameters import resolve_parameters
from brainmem.text.expression import names_in

__all__ = ["exchanged", "varied"]

# The field of a model that holds the nouns of a kind; phases stand in the protocol.
_FIELDS: dict[type, str] = {
    nouns.Parameter: "parameters",
    nouns.Choice: "choices",
    nouns.Curve: "curves",
    nouns.Population: "populations",
    nouns.Projection: "projections",
    nouns.LearningRule: "rules",
    nouns.Stimulus: "stimuli",  # before Pattern, whose kind it is too
    nouns.Pattern: "patterns",
    nouns.Observable: "observables",
    nouns.Limit: "limits",
    nouns.Phase: "phases",
}
_SINGLE: dict[type, str] = {nouns.Protocol: "protocol", nouns.Recalled: "recalled", nouns.Reference: "reference"}


def varied(model: Model, values: Mapping[str, Any], source: str | None) -> dict[str, Any]:
    """Return the fields of a model in which `values` are the defaults of parameters, choices and spiking parameters.

    Raises
    ------
    RuleError
        For names that the model lacks, and values that `simulate` would refuse.
    """
    if not isinstance(source, str | None):
        raise RuleError(f"Model {model.name!r}, vary(): source={quoted(source)} must be text, such as 'table 1'.")
    own = {item.name for item in model.parameters}
    options = {item.name for item in model.choices}
    for name in values:
        if name not in own and name not in options and name not in CELL_PARAMETERS:
            raise _unknown(model, str(name), [*own, *options, *CELL_PARAMETERS])
    check_options(model, {name: value for name, value in values.items() if name in options})
    given = {name: value for name, value in values.items() if name in own}
    resolved = resolve_parameters(model, given)
    new = {name: value if _reads(value, own) else resolved[name] for name, value in given.items()}
    more = {} if source is None else {"source": source}
    return {
        "parameters": tuple(
            replace(item, value=new[item.name], **more) if item.name in new else item for item in model.parameters
        ),
        "choices": tuple(
            replace(item, default=values[item.name], **more) if item.name in values else item for item in model.choices
        ),
        "spiking": {
            **{name: value for name, value in model.spiking.items() if name not in given},
            **{name: values[name] for name in values if name in CELL_PARAMETERS},
        },
    }


def _reads(value: Any, parameters: set[str]) -> bool:
    """Tell whether a value is text over parameters, which stays text; other text stands for its number."""
    return isinstance(value, str) and bool(names_in(value) & parameters)


def _unknown(model: Model, name: str, known: list[str]) -> RuleError:
    made = f" It is a choice that has been made: {model.chosen[name]!r}." if name in model.chosen else ""
    own = ", ".join(item.name for item in (*model.parameters, *model.choices))
    return RuleError(
        f"Model {model.name!r} has no parameter {name!r} to vary.{made}{closest(name, known)} Parameters: "
        f"{own or 'none'}. A new one is added by model.replace(Parameter({name!r}, ...))."
    )


def exchanged(model: Model, parts: Iterable[Any], without: Iterable[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a model with other parts.

    Parameters
    ----------
    model : MemoryModel
    parts : iterable of Parameter, Population, Projection, LearningRule, Stimulus, Observable, Phase, ...
        Each takes the place of the one of its kind and name, or comes behind the others of its kind.
    without : iterable of str
        Names of parts that are left out.
    fields : mapping
        Whole fields, which are taken before `parts` and `without`.
    """
    fields = _of_protocols(model, fields)
    protocol = fields.get("protocol", model.protocol)
    held = {field: getattr(model, field) for field in _FIELDS.values() if field != "phases"}
    held = {**held, "phases": getattr(protocol, "phases", ()), **fields}
    changed = dict(fields)
    for name in (without,) if isinstance(without, str) else without:
        field = _field_with(model, held, name)
        held[field] = changed[field] = tuple(item for item in held[field] if _name(item) != name)
    for part in parts:
        kind = next((kind for kind in (*_FIELDS, *_SINGLE) if isinstance(part, kind)), None)
        if kind is None:
            raise _no_part(model, part)
        if kind in _SINGLE:
            changed[_SINGLE[kind]] = part
        else:
            held[_FIELDS[kind]] = changed[_FIELDS[kind]] = _with(held[_FIELDS[kind]], part)
    if "protocol" in changed and not fields.get("protocols"):
        changed["protocols"] = {}
    if "phases" in changed:
        changed |= _with_phases(model, changed, changed.pop("phases"), parts)
    return changed


def _of_protocols(model: Model, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return fields in which a new protocol takes the place of several, and several that of one."""
    if "protocols" not in fields or "protocol" in fields:
        return fields
    _, one = combined(fields["protocols"], model.parameters) if isinstance(fields["protocols"], Mapping) else ({}, None)
    return {**fields, "protocol": one}


def _with_phases(
    model: Model, changed: Mapping[str, Any], phases: tuple[Any, ...], parts: Iterable[Any]
) -> dict[str, Any]:
    """Return the protocol with other phases; of several protocols, each has those of the names that it had."""
    named, _ = combined(changed.get("protocols", model.protocols), model.parameters)
    if not named:
        return {"protocol": replace(changed.get("protocol", model.protocol), phases=phases)}
    new = {part.name: part for part in parts if isinstance(part, nouns.Phase)}
    left = {phase.name for phase in phases}
    if unknown := new.keys() - {phase.name for item in named.values() for phase in item.phases}:
        raise RuleError(
            f"Model {model.name!r}: no protocol has a phase {sorted(unknown)[0]!r} that this one could replace. Give "
            f"the protocol that is to have it: replace(protocols={{**model.protocols, {next(iter(named))!r}: ...}})."
        )
    kept = {name: tuple(new.get(phase.name, phase) for phase in item.phases if phase.name in left)
            for name, item in named.items()}  # fmt: skip
    return {"protocol": None, "protocols": {name: replace(item, phases=kept[name]) for name, item in named.items()}}


def _name(item: Any) -> Any:
    return getattr(item, "name", getattr(item, "condition", None))


def _with(items: tuple[Any, ...], part: Any) -> tuple[Any, ...]:
    """Return `items` with `part` in the place of the one of its name, or behind them."""
    if any(_name(item) == _name(part) for item in items):
        return tuple(part if _name(item) == _name(part) else item for item in items)
    return (*items, part)


def _field_with(model: Model, held: Mapping[str, Any], name: str) -> str:
    """Return the one field that has a part of this name."""
    lists = {field: held[field] for field in _FIELDS.values() if isinstance(held[field], tuple)}
    found = [field for field, items in lists.items() if any(_name(item) == name for item in items)]
    if len(found) == 1:
        return found[0]
    known = [str(_name(item)) for items in lists.values() for item in items]
    if not found:
        raise RuleError(f"Model {model.name!r}: without={name!r} names no part of it.{closest(str(name), known)}")
    raise RuleError(
        f"Model {model.name!r}: without={name!r} may mean one of its {' or its '.join(found)}. Give the others of that "
        f"kind in full: model.replace({found[0]}=(...,))."
    )


def _no_part(model: Model, part: Any) -> RuleError:
    kinds = ", ".join(kind.__name__ for kind in (*_FIELDS, *_SINGLE))
    return RuleError(
        f"Model {model.name!r}: {quoted(part)} is no part of a model; parts are {kinds}. Other fields are given "
        "by name, such as model.replace(description='...')."
    )

"""A model on one page, to be held against its paper: where it comes from, and all that its file says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from brainmem.model.combined import named_protocols
from brainmem.model.differences import continuous, own_values
from brainmem.model.layout import aligned, broken, columns, prose
from brainmem.model.nouns import (
    Choice,
    Curve,
    Each,
    LearningRule,
    Model,
    Observable,
    Pattern,
    Phase,
    Population,
    Projection,
    Recalled,
    Reference,
    Repeat,
)

__all__ = ["card", "citation", "sections"]

Section = tuple[str, list[str]]
"""A heading and the lines below it."""
WITHOUT_TERMINAL = 120


def card(model: Model, *, width: int | None = None) -> str:
    """Return a model as text: description, parameters with sources, equations, rules, patterns, stimuli and protocol.

    Parameters
    ----------
    model : MemoryModel
    width : int, optional
        Of a line, in characters; that of the terminal when not given.
    """
    width = width or shutil.get_terminal_size((WITHOUT_TERMINAL, 0)).columns
    blocks = ["\n".join([heading, *lines]) for heading, lines in sections(model, width)]
    return "\n\n".join(blocks)


def sections(model: Model, width: int) -> Iterator[Section]:
    """Yield the headings of a model's card, each with its lines, in the order of a model's file."""
    yield model.name, prose(model.description.strip() or citation(model.reference), width)
    own = {name: f" (spiking {value})" for name, value in own_values(model).items()}
    rows = [
        (item.name, f"{item.value}{own.get(item.name, '')}", item.meaning, item.source) for item in model.parameters
    ]
    yield "Parameters", columns(("parameter", "value", "meaning", "source"), rows, width, wide=2)
    for item in model.curves:
        yield f"Curve {item.name}", aligned(_curve(item), width)
    for item in model.choices:
        yield f"Choice {item.name}", aligned(_choice(item), width)
    for item in model.populations:
        yield f"Population {item.name}", [*_equations(item.equations, width), *aligned(_population(item), width)]
    for item in model.projections:
        texts = _equations(f"{item.current}\n{item.variables}", width)
        yield _heading_of(item), [*texts, *aligned(_projection(item), width)]
    for item in model.rules:
        heading = f"Rule {item.name} of {item.projection} ({item.form})"
        yield heading, [*_equations(item.text, width), *aligned(_rule(item), width)]
    yield from _experiment(model, width)
    yield "Simulation", aligned(_simulation(model), width)


def _experiment(model: Model, width: int) -> Iterator[Section]:
    """Yield what is shown and measured, and when."""
    for item in model.all_patterns:
        yield f"{item.kind.capitalize()} {item.name} of {item.population}", aligned(_pattern(item), width)
    if model.observables:
        yield "Observables", aligned([(item.name, _observable(item)) for item in model.observables], width)
    for item in model.protocol.phases:
        yield f"Phase {item.name}{_of_some(model, item)}", aligned(_phase(item), width)
    for number, (name, protocol) in enumerate(named_protocols(model).items()):
        default = " (default)" if model.protocols and not number else ""
        lines = [line for entry in protocol.schedule for line in _schedule(entry, width)]
        yield f"Protocol {name}{default}" if name else "Schedule", lines
    if model.recalled:
        yield "Recalled", aligned(_recalled(model.recalled), width)
    if model.limits:
        yield "Limits", aligned([(item.condition, item.reason) for item in model.limits], width)


def _of_some(model: Model, phase: Phase) -> str:
    """Return the protocols that have a phase, where others have another one of its name."""
    if sum(item.name == phase.name for item in model.protocol.phases) < 2:
        return ""
    owners = (name for name, protocol in model.protocols.items() if phase in protocol.phases)
    return f" of protocol {_joined(*owners)}"


def citation(reference: Reference | None) -> str:
    """Return a reference as one line."""
    if reference is None:
        return ""
    where = f" doi:{reference.doi}" if reference.doi else ""
    return f"{reference.authors} ({reference.year}), {reference.title}. {reference.journal}.{where}"


# The parts of a model, as (what, text); parts without text are left out by `aligned`


def _curve(item: Curve) -> Iterator[tuple[str, str]]:
    from brainmem.text.equations import unit_text

    yield "meaning", item.meaning
    yield "source", item.source
    yield "points", str(len(item.x.numbers))
    for name, points in (("x", item.x), ("y", item.y)):
        unit = unit_text(points.dimensions)
        ends = f"{min(points.numbers):g} to {max(points.numbers):g}"
        yield name, ends if unit == "1" else f"{ends} {unit}"
    yield "outside", "constant; the integral is linear"
    yield "integral 0 at", "" if item.zero_at is None else f"{item.zero_at.numbers[0]:g}"


def _choice(item: Choice) -> Iterator[tuple[str, str]]:
    yield "meaning", item.meaning
    yield "source", item.source
    for name, form in item.options.items():
        text = form if isinstance(form, str) else ", ".join(f"{place} = {text}" for place, text in form.items())
        yield f"{name} (default)" if name == item.preset else name, text


def _population(item: Population) -> Iterator[tuple[str, str]]:
    yield "units", str(item.size)
    yield "one at a time", item.sequential.strip()
    yield "spiking", f"cells follow d{item.state}/dt, without visits" if continuous(item) else ""
    if item.rate:
        yield "rate", f"{item.rate}, from {item.rate_range[0]} to {item.rate_range[1]}"
        yield "drive, transfer", _joined(item.drive, item.transfer)
    yield from _values("start", item.initial)
    for name, allowed in item.values.items():
        yield f"values of {name}", _joined(*(f"{value:g}" for value in allowed))


def _heading_of(item: Projection) -> str:
    ends = (f"{name}[{part}]" if part else name for name, part in _ends(item))
    return f"Projection {item.name}: {' -> '.join(ends)}"


def _ends(item: Projection) -> tuple[tuple[str, str], tuple[str, str]]:
    return (item.source, item.source_units), (item.target, item.target_units)


def _projection(item: Projection) -> Iterator[tuple[str, str]]:
    yield from _values("start", item.initial)
    yield "row norm", "" if item.row_norm is None else f"{item.row_norm:g}"
    if item.source == item.target:
        yield "onto itself", "yes" if item.self_connections else "no"
    yield "delay", item.delay


def _rule(item: LearningRule) -> Iterator[tuple[str, str]]:
    yield "in the paper", item.equation
    yield "every", item.every
    yield "at the end of", _joined(*item.at)
    yield "during", _joined(*item.during)
    yield "order", str(item.order) if item.order else ""
    for name, (low, high) in item.bounds.items():
        yield f"bounds of {name}", f"{low} to {high}"
    yield "read", f"{item.read}, {item.pairing} pairing"
    if item.spiking:
        for name in ("on_pre", "on_post", "clocked", "why"):
            yield f"spiking {name}", "; ".join(getattr(item.spiking, name).strip().splitlines())


def _pattern(item: Pattern) -> Iterator[tuple[str, str]]:
    yield "items", f"{item.items}, no two alike" if item.distinct else str(item.items)
    yield "frames", f"{item.frames}, every {item.every}" if item.every else ""
    yield "values", "" if item.values is None else _joined(*(f"{value:g}" for value in item.values))
    yield "unit", "" if item.unit == "1" else item.unit
    yield "draw", item.draw


def _observable(item: Observable) -> str:
    unit = "" if item.unit == "1" else f", in {item.unit}"
    part = f"[{item.units}]" if item.units else ""
    during = f", during {_joined(*item.during)}" if item.during else ""
    return f"{item.reduce} over {item.population}{part} of {item.expression}{unit}{during}"


def _phase(item: Phase) -> Iterator[tuple[str, str]]:
    yield "duration", item.duration
    yield "until", f"{item.until}, or it is an error" if item.must_end else item.until
    yield "shows", _joined(*item.stimuli)
    yield "gates", _joined(*(f"{name} = {value}" for name, value in item.gates.items()))
    yield from _values("start", item.start)
    for moment in ("begin", "end"):
        yield from ((f"{moment} {name}", _on_one_line(text)) for name, text in getattr(item, moment).items())
    yield "paired", "random starts are the same in every epoch" if item.paired else ""
    yield "average", f"the last {item.average}" if item.average else "all of it"
    yield "restore", "the state is put back when it ends" if item.restore else ""
    yield "spiking", "left out" if item.spiking is None else ""
    for name, value in (item.spiking or {}).items():
        yield f"spiking {name}", _shown(value)


def _schedule(entry: Each | Repeat, width: int) -> Iterator[str]:
    if isinstance(entry, Each):
        yield from broken(_each(entry), width, indent=2)
        return
    until = f", until {entry.until}{', or it is an error' if entry.must_end else ''}" if entry.until else ""
    yield from broken(f"{entry.times} times{until}, an epoch each:", width, indent=2)
    for each in entry.body:
        yield from broken(_each(each), width, indent=4)


def _each(each: Each) -> str:
    phases = (each.phases,) if isinstance(each.phases, str) else each.phases
    items = f"range({each.items[0]}, {each.items[1]})" if isinstance(each.items, tuple) else each.items
    drawn = "as many" if each.draws is None else each.draws
    order = {"random": "in random order", "drawn": f"{drawn} drawn at random"}.get(each.order, "")
    repeats = "" if each.repeats == 1 else f"repeats {each.repeats}"
    epochs = "" if each.epochs is None else f"in epochs {each.epochs}"
    return f"{' then '.join(phases)}: {_joined(f'items {items}', order, repeats, epochs)}"


def _recalled(item: Recalled) -> Iterator[tuple[str, str]]:
    yield "phase", item.phase
    yield "target", item.target
    criteria = {variant: item.of(variant) for variant in ("rate", "spiking")}
    for variant, given in criteria.items():
        level = f" of units above {given['level']:g}" if "level" in given else ""
        yield variant, f"{given['score']}{level} > {given['threshold']:g}, {_COUNTED[given['repeats']]}"


_COUNTED = {"each": "each test counts", "mean": "by the mean of an item's tests"}


def _simulation(model: Model) -> Iterator[tuple[str, str]]:
    yield "rate_dt", model.rate_dt
    yield "time_unit", model.time_unit
    own = own_values(model)
    yield from ((name, str(value)) for name, value in model.spiking.items() if name not in own)
    yield "chosen", _joined(*(f"{name} = {option}" for name, option in model.chosen.items()))
    yield "protocol", model.protocol.name if not model.protocols else ""
    yield "not used", _joined(*model.unused)


# Texts


def _values(what: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((f"{what} {name}", str(value)) for name, value in values.items())


def _on_one_line(statements: str) -> str:
    parts = (part.strip() for line in statements.splitlines() for part in line.split("#")[0].split(";"))
    return "; ".join(part for part in parts if part)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return _joined(*(f"{name} = {_on_one_line(str(item))}" for name, item in value.items())) or "none"
    return (_joined(*map(str, value)) if isinstance(value, tuple) else str(value)) or "none"


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _equations(text: str, width: int) -> list[str]:
    """Return the lines of a text, their comments close to them, or below, where a line has no room."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if all(len(line) + 2 <= width for line in lines):
        return [f"  {line}" for line in lines]
    return [part for line in lines for part in _equation(line, width)]


def _equation(line: str, width: int) -> list[str]:
    code, _, comment = (part.strip() for part in line.partition("#"))
    short = f"  {code}  # {comment}" if code and comment else f"  {line}"
    if len(short) <= width:
        return [short]
    below = broken(f"# {comment}", width, indent=6) if comment else []
    return [*(broken(code, width, indent=2) if code else []), *below]

"""What one protocol needs of a model: what no phase of it opens, and what only that reads, is left out.

Gates and stimuli that are 0 in all of its phases are put into the texts as 0 (`brainmem.model.folded`). Sums, variables
of synapses, projections and declared variables that something read before, and nothing reads now, are not built; nor
are subexpressions and observables of which the same is true and that read one of these. States, patterns and whatever
nothing but a result or a recording could have read stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from brainmem.model.acting import may_act, never_opened
from brainmem.model.combined import phases_of
from brainmem.model.differences import faces_of
from brainmem.model.folded import Folded, rewritten
from brainmem.model.nouns import (
    LearningRule,
    Model,
    Observable,
    Pattern,
    Phase,
    Population,
    Projection,
    Protocol,
    SpikingRule,
)
from brainmem.model.parts import texts, unchecked
from brainmem.model.phases import set_by_phases, turns
from brainmem.model.reading import sums_of
from brainmem.model.scalars import single
from brainmem.model.visits import unit_lines
from brainmem.text.equations import Equation, identifiers, read_equations, write_equations

__all__ = ["acting_rules", "pruned", "unread_parameters"]

M = TypeVar("M", bound=Model)
Node = tuple[str, str]  # a variable: its population or projection, and its name
OBSERVED = ""  # stands in place of the former for observables


def acting_rules(model: Model, protocol: Protocol) -> tuple[LearningRule, ...]:
    """Return the rules that may change something in some phase of a protocol's schedule."""
    phases = _scheduled(protocol)
    return tuple(rule for rule in model.rules if any(may_act(model, rule, phase) for phase in phases))


def pruned(model: M, protocol: Protocol, rules: Iterable[LearningRule]) -> M:
    """Return a model with one protocol and these of its rules, and of the rest what they need; checked again.

    Parameters
    ----------
    model : MemoryModel
        Without open choices.
    protocol : Protocol
    rules : iterable of LearningRule

    Returns
    -------
    MemoryModel
        Its field `unused` names what is left out, and the parameters that nothing names any more.
    """
    phases = _scheduled(protocol)
    shown = {name for phase in phases for face in faces_of(phase) for name in face.stimuli}
    gates = [gate for gate in model.protocol.gates if never_opened(gate, phases)]
    dark = tuple(item for item in model.stimuli if item.name not in shown)
    folded = Folded(model, gates, [item.name for item in dark])
    names = {phase.name for phase in phases}
    kept = (folded.rule(found) for rule in rules if (found := _within(rule, names)) is not None)
    left = unchecked(
        model,
        populations=tuple(map(folded.population, model.populations)),
        rules=tuple(rule for rule in kept if any((rule.continuous, rule.periodic, rule.episodic))),
        observables=tuple(
            folded.observable(found) for item in model.observables if (found := _within(item, names)) is not None
        ),
        patterns=(*model.patterns, *map(_pattern, dark)),
        stimuli=tuple(item for item in model.stimuli if item not in dark),
        protocol=replace(protocol, phases=tuple(map(folded.phase, phases))),
        protocols={},
    )
    left = unchecked(left, projections=tuple(_with_lines(model, left, folded, item) for item in model.projections))
    cut = _Cut(model, left)
    unused = [f"gate {name}" for name in gates] + [f"stimulus {item.name}" for item in dark] + [*cut.dropped]
    fields = {name: getattr(left, name) for name in ("rules", "patterns", "stimuli", "protocol")}
    fields |= {"populations": cut.populations, "projections": cut.projections, "observables": cut.observables}
    fields |= {"protocols": {}, "varied": True}
    left = unchecked(left, **fields)
    unused += [f"parameter {name}" for name in unread_parameters(left)]
    return replace(model, **fields, unused=tuple(dict.fromkeys((*model.unused, *unused))))


def _scheduled(protocol: Protocol) -> list[Phase]:
    """Return the phases that the schedule names."""
    names = {name for entry in protocol.schedule for name in phases_of(entry)}
    return [phase for phase in protocol.phases if phase.name in names]


def _within(noun: Any, phases: set[str]) -> Any:
    """Return a rule or an observable that names only these of its phases; None where it had others alone."""
    for field in ("at", "during"):
        if names := getattr(noun, field, ()):
            if not set(names) & phases:
                return None
            noun = replace(noun, **{field: tuple(name for name in names if name in phases)})
    return noun


def _pattern(item: Pattern) -> Pattern:
    """Return the pattern that a stimulus is which nobody is shown."""
    return Pattern(**{name: getattr(item, name) for name in Pattern.__dataclass_fields__})


def _with_lines(model: Model, left: Model, folded: Folded, item: Projection) -> Projection:
    """Return a projection, folded, that declares what its rules define no longer."""
    item = folded.projection(item)
    own = {line.name for line in _synaptic_lines(left, item)}
    lines = [line for line in _synaptic_lines(model, item) if line.name not in own]
    declared = [replace(line, kind="parameter", expr="", flags=()) if line.kind == "differential" else line
                for line in lines]  # fmt: skip
    more = folded.synaptic(item, write_equations(declared))
    return replace(item, variables=f"{item.variables}\n{more}".strip())


def _synaptic_lines(model: Model, item: Projection) -> list[Equation]:
    """Return the lines that define variables of synapses, in a projection and in its rules."""
    texts = [rule.continuous for rule in model.rules if rule.projection == item.name]
    return [*read_equations(item.variables, *texts)]


def unread_parameters(model: Model) -> list[str]:
    """Return the parameters that no text of a model names, not even that of a parameter which one names."""
    words = re.compile(r"[A-Za-z_]\w*")
    own = {f"parameter {item.name!r}": item.name for item in model.parameters}
    behind: dict[str, set[str]] = {item.name: set() for item in model.parameters}  # of numbers nothing
    used: set[str] = set()
    for where, _, text in texts(model):
        found = set(words.findall("\n".join(line.split("#")[0] for line in text.splitlines())))
        if where in own:
            behind[own[where]] = found
        else:
            used |= found
    todo = used & behind.keys()
    while todo:
        todo = set().union(*(behind[name] for name in todo)) & behind.keys() - used
        used |= todo
    return [item.name for item in model.parameters if item.name not in used]


class _Graph:
    """Which variables of units and synapses read which."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.lines: dict[str, dict[str, Equation | None]] = {
            item.name: {line.name: line for line in unit_lines(item)} for item in model.populations
        }
        for item in model.projections:
            lines = {line.name: line for line in _synaptic_lines(model, item)}
            self.lines[item.name] = {**dict.fromkeys(item.initial), **lines}
        self.lines[OBSERVED] = dict.fromkeys(item.name for item in model.observables)
        self.ends = {item.name: {"_pre": item.source, "_post": item.target} for item in model.projections}

    @cached_property
    def singles(self) -> dict[str, str]:
        """The populations of a single unit by the names of their variables, which all texts may read."""
        return {name: item.name for item in self.model.populations if single(item) for name in self.lines[item.name]}

    def nodes(self, owner: str, names: Iterable[str]) -> Iterator[Node]:
        """Yield the variables that a text of a population or projection means by its names."""
        for name in names:
            if owner and name in self.lines[owner]:
                yield owner, name
            elif name in self.lines[OBSERVED]:
                yield OBSERVED, name
            elif name in self.singles:
                yield self.singles[name], name
            for end, population in self.ends.get(owner, {}).items():
                if name.endswith(end) and name.removesuffix(end) in self.lines[population]:
                    yield population, name.removesuffix(end)

    @cached_property
    def reads(self) -> dict[Node, set[Node]]:
        """What each variable is computed from."""
        found: dict[Node, set[Node]] = {
            (owner, name): set(self.nodes(owner, line.names if line is not None else ()))
            for owner, lines in self.lines.items()
            for name, line in lines.items()
        }
        for item in self.model.observables:
            found[OBSERVED, item.name] = set(self.nodes(item.population, identifiers(item.expression)))
        for item in sums_of(self.model):
            node = (item.onto, item.variable)
            found[node] = found.get(node, set()) | set(self.nodes(item.projection.name, item.line.names))
        return found

    @cached_property
    def roots(self) -> set[Node]:
        """What is needed for itself: states, rates, what phases and rules set, and all that these texts read."""
        faces = tuple(face for phase in self.model.protocol.phases for face in faces_of(phase))
        model = unchecked(self.model, protocol=replace(self.model.protocol, phases=faces))
        found = set(self.nodes("", identifiers(model.protocol.conditions)))
        for item in model.populations:
            names = {line.name for line in read_equations(item.equations) if line.kind == "differential"}
            names |= {item.state, f"{item.state}_change", item.rate, item.drive, item.transfer, *item.initial} - {None}
            names |= {*set_by_phases(model, item), *identifiers(item.sequential)}
            texts = (turn.code for turn in turns(model, item.name))
            found |= set(self.nodes(item.name, names.union(*map(identifiers, texts))))
        for rule in model.rules:
            own = rule.spiking or SpikingRule()
            given = (rule.text, own.on_pre, own.on_post, own.clocked)
            found |= set(self.nodes(rule.projection, set().union(*map(_names, given))))
        return found

    def unread(self) -> set[Node]:
        """Return the variables of units and the observables that no text reads: they are there for results."""
        units = {OBSERVED, *(item.name for item in self.model.populations)}
        return {node for node in self.reads.keys() - set().union(*self.reads.values(), self.roots) if node[0] in units}

    def needed(self, more: set[Node]) -> set[Node]:
        """Return what is needed for itself, `more`, and all that these are computed from."""
        todo = (self.roots | more) & self.reads.keys()
        found: set[Node] = set()
        while todo:
            found |= todo
            todo = set().union(*(self.reads[node] for node in todo)) & self.reads.keys() - found
        return found


def _names(code: str) -> set[str]:
    """Return the names in equations or statements, with what they define or set; units count as names too."""
    names = identifiers("\n".join(line.split("#")[0] for line in code.splitlines()))
    return names | {name[1:] for name in names if name.startswith("d")}


@dataclass
class _Cut:
    """What is left of the populations and projections of a folded model."""

    whole: Model
    model: Model

    @cached_property
    def graph(self) -> _Graph:
        return _Graph(self.model)

    @cached_property
    def dead(self) -> set[Node]:
        """What is not built: what was read, and is not needed; what units derive from others only where it reads it."""
        graph = self.graph
        idle = graph.reads.keys() - graph.needed(_Graph(self.whole).unread())
        built = {node for node in idle if self._is_derived(node)}
        while gone := {node for node in built if graph.reads[node] & (idle - built)}:
            built -= gone
        return idle - built

    def _is_derived(self, node: Node) -> bool:
        """Tell whether a variable is an observable or a subexpression of units, which costs nothing by itself."""
        line = self.graph.lines[node[0]][node[1]]
        units = {item.name for item in self.model.populations}
        return node[0] == OBSERVED or (node[0] in units and line is not None and line.kind == "subexpression")

    @property
    def observables(self) -> tuple[Observable, ...]:
        """The observables that are formed."""
        return tuple(item for item in self.model.observables if (OBSERVED, item.name) not in self.dead)

    @property
    def populations(self) -> tuple[Population, ...]:
        """The populations without what is not built."""
        return tuple(
            replace(item, equations=rewritten(item.equations, self._gone(item.name, item.equations)))
            for item in self.model.populations
        )

    def _gone(self, owner: str, text: str) -> dict[str, Equation | None]:
        return {line.name: None for line in read_equations(text) if (owner, line.name) in self.dead}

    @cached_property
    def projections(self) -> tuple[Projection, ...]:
        """The projections that sum or learn something, without what is not built."""
        made = (self._projection(item) for item in self.model.projections)
        return tuple(item for item in made if item.current.strip() or self._rules(self.model, item))

    def _projection(self, item: Projection) -> Projection:
        sums = {found.line.name: None for found in sums_of(self.model)
                if found.projection is item and (found.onto, found.variable) in self.dead}  # fmt: skip
        initial = {name: text for name, text in item.initial.items() if (item.name, name) not in self.dead}
        same = next(iter(initial), "") == next(iter(item.initial), "")
        return replace(
            item,
            current=rewritten(item.current, dict(sums)),
            variables=rewritten(item.variables, self._gone(item.name, item.variables)),
            initial=initial,
            row_norm=item.row_norm if same else None,
        )

    def _rules(self, model: Model, item: Projection) -> list[str]:
        return [rule.name for rule in model.rules if rule.projection == item.name]

    @property
    def dropped(self) -> Iterator[str]:
        """What is left out, each with the word for it."""
        left = {item.name: item for item in self.projections}
        for item in self.model.projections:
            first = next(iter(item.initial), "")
            if item.name not in left:
                yield f"projection {item.name}"
                yield from (f"variable {item.name}.{name}" for name in self.graph.lines[item.name])
            if first and (item.name not in left or first not in left[item.name].initial):
                yield f"weights {item.name}"  # weights= are those of the first variable
        yield from (f"variable {owner}.{name}" if owner else f"observable {name}" for owner, name in sorted(self.dead))
        formed = {item.name for item in self.model.observables}
        yield from (f"observable {item.name}" for item in self.whole.observables if item.name not in formed)
        kept = {rule.name for rule in self.model.rules}
        yield from (f"rule {rule.name}" for rule in self.whole.rules if rule.name not in kept)

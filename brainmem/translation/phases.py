"""What phases run on units when they begin and end: statements at an event of the group.

Statements at an end read the state of the end of the time step, and sums formed again from it (`moments`). Those at a
beginning come before what a time step stores for its length, and write that out where they read it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from brainmem.model.memory import MemoryModel
from brainmem.model.nouns import Population
from brainmem.model.phases import Turn, turns
from brainmem.text.equations import Equation, definitions, identifiers, split_statement, statement_lines, written_out
from brainmem.text.statements import targets_of
from brainmem.translation import schedule
from brainmem.translation.text import Operation

__all__ = [
    "phase_events",
    "phase_operations",
    "read_through",
    "runs_at_ends",
    "stored_rate",
    "with_rate",
]

SLOTS = {"begin": schedule.PHASE_STATEMENTS, "end": schedule.END_STATEMENTS}
MOMENT = {"begin": ("elapsed < 0.5*dt", schedule.PHASE_BEGIN), "end": ("ended > 0.5", schedule.ENDED)}
Lower = Callable[[str, str, str], Iterable[str]]


def phase_operations(
    model: MemoryModel, population: Population, lines: Collection[Equation], lower: Lower | None = None
) -> tuple[Operation, ...]:
    """Return the statements that phases run on a population when they begin and end.

    Parameters
    ----------
    lines : collection of Equation
        What the statements read by name: the equations of the group, and its stimuli with frames.
    lower : callable, optional
        Returns the statements in place of one, given as its target, operator and value.
    """
    found = []
    for together in _alike(model, population):
        turn = together[0]
        code = turn.code if lower is None else "\n".join(_lowered(turn.code, lower))
        code = _fresh(code, lines) if turn.moment == "begin" else code
        name = f"{population.name}_{_event(turn)}"
        found.append(Operation(name, code, *SLOTS[turn.moment], event=_event(turn)))
    return tuple(found)


def phase_events(model: MemoryModel, population: Population) -> dict[str, tuple[str, str, int]]:
    """Return the events at which these run: the condition and the slot of each, by name."""
    return {_event(together[0]): _condition(model, together) for together in _alike(model, population)}


def runs_at_ends(operation: Operation) -> bool:
    """Tell whether an operation is what phases run at their ends."""
    return (operation.when, operation.order) == schedule.END_STATEMENTS


def read_through(names: Iterable[str], lines: Iterable[Equation]) -> set[str]:
    """Return names with all that they read through subexpressions."""
    inner = {line.name: line.names for line in lines if line.kind == "subexpression"}
    todo, seen = set(names), set[str]()
    while todo:
        seen |= todo
        todo = set().union(*(inner.get(name, set()) for name in todo)) - seen
    return seen


def _alike(model: MemoryModel, population: Population) -> Iterator[list[Turn]]:
    """Yield together the phases that run the same statements at the same moment."""
    found: dict[tuple[str, str], list[Turn]] = {}
    for turn in turns(model, population.name):
        found.setdefault((turn.moment, turn.code), []).append(turn)
    yield from found.values()


def _event(turn: Turn) -> str:
    return f"{turn.moment}_of_{turn.phase.name}"


def _place(model: MemoryModel, turn: Turn) -> int:
    return [phase.name for phase in model.protocol.phases].index(turn.phase.name)


def _condition(model: MemoryModel, together: list[Turn]) -> tuple[str, str, int]:
    now, slot = MOMENT[together[0].moment]
    phases = " or ".join(f"step_phase(step*second) == {_place(model, turn)}" for turn in together)
    return f"{now} and {phases if len(together) == 1 else f'({phases})'}", *slot


def _lowered(code: str, lower: Lower) -> Iterator[str]:
    for line in statement_lines(code):
        target, operator, value = split_statement(line)
        yield from lower(target, operator, value)


def _fresh(code: str, lines: Collection[Equation]) -> str:
    """Return statements that read nothing which is stored for a time step: that of the step before still stands."""
    stored = {line.name for line in lines if line.stored}
    reading = {line.name for line in lines if read_through([line.name], lines) & stored}
    inner = {name: text for name, text in definitions(lines, stored=True).items() if name in reading}
    parts = (split_statement(line) for line in statement_lines(code))
    return "\n".join(f"{target} {operator} {written_out(value, inner)}" for target, operator, value in parts)


def stored_rate(population: Population, lines: Iterable[Equation]) -> tuple[Equation, ...]:
    """Return lines among which the rate is marked as stored for a time step."""
    return tuple(line.with_flag("constant over dt") if line.name == population.rate else line for line in lines)


def with_rate(operations: Iterable[Operation], rate: Equation, lines: Collection[Equation]) -> tuple[Operation, ...]:
    """Return operations after which a stored rate is that of the state, where they run at ends and change it."""
    reads = read_through(identifiers(rate.expr), lines)
    return tuple(
        replace(op, code=f"{op.code}\n{rate.name} = {rate.expr}")
        if runs_at_ends(op) and reads & set(targets_of(op.code))
        else op
        for op in operations
    )

"""Checks of texts that compare the units of a population, ``rank(h)`` and ``winners(h, K)``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from brainmem.errors import RuleError
from brainmem.model.checks.place import Place, place_of
from brainmem.model.checks.text import ModelText
from brainmem.model.nouns import Population
from brainmem.model.phases import turns
from brainmem.model.scalars import single
from brainmem.text.equations import (
    DRAWS,
    definitions,
    identifiers,
    inlined,
    read_equations,
    split_statement,
    statement_lines,
)
from brainmem.text.ranking import calls_ranks, rank_calls

__all__ = ["check_ranked"]

VISITED = (
    "its units are updated one at a time, and every visit would have to compare all of them anew. Write the "
    "equation 'd{state}/dt = ...' in place of sequential=, or let another population compare its units."
)


def check_ranked(text: ModelText) -> None:
    """Check what is compared, and where the result is read."""
    for population in text.model.populations:
        if population.name in text.unread:
            continue
        for place, line, expr in _texts(text, population):
            for call in rank_calls(expr):
                text.found.passes(_check_call, text, place, line, population, call)
        text.found.passes(_check_visits, text, population)
        _check_stored(text, population)
        for place, code in _ends(text, population):
            text.found.passes(_check_before, population, place, code)


def _texts(text: ModelText, population: Population) -> Iterator[tuple[Place, int, str]]:
    """Yield the expressions of a population that may compare its units, each with its place and line."""
    place = place_of(text.model, "population", population.name, population.equations)
    for entry in text.neurons[population.name].values():
        yield place, entry.line, entry.expr
    for item in (item for item in text.model.observables if item.population == population.name):
        yield place_of(text.model, "observable", item.name, item.expression), 0, item.expression
    for here, code in _ends(text, population):
        yield from ((here, number, line.partition("=")[2]) for number, line in Place("", code).statements)


def _ends(text: ModelText, population: Population) -> Iterator[tuple[Place, str]]:
    """Yield the statements that phases run on a population when they end."""
    for turn in turns(text.model, population.name):
        if turn.moment == "end":
            where = place_of(text.model, "phase", turn.phase.name).where
            yield Place(f"{where}, end[{population.name!r}]", turn.code), turn.code


def _check_call(text: ModelText, place: Place, line: int, population: Population, call: ast.Call) -> None:
    shown, entries = ast.unparse(call), text.neurons[population.name]
    if drawn := sorted((DRAWS | {"xi"}) & identifiers(shown)):
        raise place.error(
            f"{shown!r} draws a random number, {drawn[0]}, which would be another one in each comparison. Draw it once "
            "per time step in an equation of its own, 'noise = randn() : 1 (constant over dt)', and read that.",
            line=line,
        )
    most = set().union(*(identifiers(ast.unparse(arg)) for arg in call.args[1:]))
    own = set(text.readable(population.name)) if not single(population) else set()
    shared = {name for name, entry in entries.items() if "shared" in entry.flags}
    if apart := sorted(most & (own - shared) | (most & {"i"})):
        raise place.error(
            f"{shown!r}: how many win is one number of the population, and {apart[0]!r} differs between its units. "
            "Read parameters, observables and variables of a population of size=1 there.",
            line=line,
        )


def _check_visits(text: ModelText, population: Population) -> None:
    if not population.sequential:
        return
    for place, line, expr in (*_texts(text, population), *_visit(text, population)):
        for call in rank_calls(expr):
            raise place.error(f"{ast.unparse(call)!r}: {VISITED.format(state=population.state)}", line=line)


def _visit(text: ModelText, population: Population) -> Iterator[tuple[Place, int, str]]:
    place = place_of(text.model, "population", population.name, population.sequential)
    yield place, 1, population.sequential.partition("=")[2]


def _check_stored(text: ModelText, population: Population) -> None:
    """Refuse ranks in what is evaluated before they are formed, or for all units at once."""
    place = place_of(text.model, "population", population.name, population.equations)
    lines = read_equations(population.equations)
    for entry in text.neurons[population.name].values():
        flag = next((flag for flag in entry.flags if flag in ("constant over dt", "shared")), "")
        if flag and calls_ranks(inlined(entry.expr, (line for line in lines if line.name != entry.name))):
            text.found.note(_stored_error(place, entry.name, flag, entry.line))


def _stored_error(place: Place, name: str, flag: str, line: int) -> RuleError:
    why = "before units are compared" if flag == "constant over dt" else "once for all units, which have ranks each"
    return place.error(f"{name!r} is evaluated {why}: take out the flag ({flag}).", line=line)


def _check_before(population: Population, place: Place, code: str) -> None:
    """Refuse to compare what the statements before have set: units are compared when the phase ends."""
    inner = definitions(read_equations(population.equations), stored=True)
    seen = set[str]()
    for number, line in enumerate(statement_lines(code), 1):
        try:
            target, _, value = split_statement(line)
        except (AssertionError, SyntaxError, IndexError):  # told elsewhere
            return
        for call in rank_calls(value):
            todo, read = identifiers(ast.unparse(call.args[0])) if call.args else set(), set[str]()
            while todo:
                read |= todo
                todo = set().union(*(identifiers(inner.get(name, "")) for name in todo)) - read
            if late := sorted(read & seen):
                raise place.error(
                    f"{ast.unparse(call)!r}: units are compared when the phase ends, before these statements run, and "
                    f"{late[0]!r} is set by one above. Move this line up, or compare in an equation of the population.",
                    line=number,
                )
        seen.add(target)

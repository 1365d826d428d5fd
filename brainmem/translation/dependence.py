"""Which variables of a model depend on a rate, through whatever equations, sums and rules."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping

from brainmem.model.memory import MemoryModel
from brainmem.model.names import expected_name
from brainmem.model.nouns import LearningRule, Projection
from brainmem.model.phases import turns
from brainmem.model.reading import sums_of
from brainmem.text.equations import (
    definitions,
    identifiers,
    read_equations,
    split_statement,
    statement_lines,
    written_out,
)
from brainmem.translation.noise import Name

__all__ = ["dependents", "multiplies_followers", "reads_rates"]


def dependents(model: MemoryModel, *, held: Collection[Name] = ()) -> set[Name]:
    """Return all variables of populations and projections that depend on a rate, rates included.

    A weight depends on the rates that its rule reads; those in `held` depend on nothing.
    """
    reads = {name: others for name, others in _reads(model).items() if name not in held}
    rates = [(item.name, str(item.rate)) for item in model.populations if item.rate]
    return _followers(reads, {(owner, name) for owner, rate in rates for name in (rate, expected_name(rate))})


def reads_rates(model: MemoryModel, rule: LearningRule) -> bool:
    """Tell whether a rule's text reads anything that depends on a rate, with the weights as they are."""
    held = {(item.name, name) for item in model.projections for name in identifiers(item.current)}
    held |= {(rule.projection, name) for name, _ in _changed(rule)}
    projection = model.projection(rule.projection)
    own = definitions(read_equations(projection.variables))
    texts = " ".join(written_out(text, own) for _, text in _changed(rule) if text)
    return bool(_synaptic_reads(projection, texts) & dependents(model, held=held))


def multiplies_followers(model: MemoryModel, rule: LearningRule) -> bool:
    """Tell whether a rule multiplies what follows rates with something that follows the noise of the same spikes.

    Such as an eligibility trace with a reward, or the rate of a neuron with a sum over all neurons that the whole
    network reads, its own rate among them. Each is right in the mean; their product need not be.
    """
    projection = model.projection(rule.projection)
    held = {(item.name, name) for item in model.projections for name in identifiers(item.current)}
    noisy = dependents(model, held=held)
    own = definitions(read_equations(projection.variables))
    stored = {name for name, _ in _synaptic(model, projection) if name not in own}
    shared = {
        (population.name, rate): _followers_of_totals(model, (population.name, str(population.rate)), held)
        for population in (model.population(projection.source), model.population(projection.target))
        if population.rate
        for rate in (str(population.rate), expected_name(population.rate))
    }
    for variable, text in _changed(rule):
        traces = {name for name in stored - {variable} if (projection.name, name) in noisy}
        for one, other in _products(written_out(text, own) if text else "0"):
            pairs = ((one, other), (other, one))
            if any(identifiers(a) & traces and _synaptic_reads(projection, b) & noisy for a, b in pairs):
                return True
            reads = [(_synaptic_reads(projection, a), _synaptic_reads(projection, b)) for a, b in pairs]
            if any(rate in a and followers & b for a, b in reads for rate, followers in shared.items()):
                return True
    return False


def _followers_of_totals(model: MemoryModel, rate: Name, held: Collection[Name]) -> set[Name]:
    """Return what follows a total of a rate: a variable of a single unit, or a sum in which all terms weigh the same.

    Rates that follow it in turn are given, as everywhere in what is said of a rule: their noise is that of inputs.
    """
    rates = {(item.name, str(item.rate)) for item in model.populations if item.rate}
    reads = {name: others for name, others in _reads(model).items() if name not in held and name not in rates}
    alone = {item.name for item in model.populations if item.size == 1}
    pooled = {
        (item.onto, item.variable)
        for item in sums_of(model)
        if not identifiers(item.line.expr) & {name for name, _ in _synaptic(model, item.projection)}
    }
    totals = {name for name in _followers(reads, {rate}) if (name[0] in alone or name in pooled) and name != rate}
    return _followers(reads, totals)


def _followers(reads: Mapping[Name, set[Name]], found: set[Name]) -> set[Name]:
    """Return `found` and all that reads them, directly or not."""
    found = set(found)
    while new := {name for name, others in reads.items() if name not in found and others & found}:
        found |= new
    return found


def _products(text: str) -> Iterator[tuple[str, str]]:
    """Yield the two sides of every product, quotient and power in an expression."""
    for node in ast.walk(ast.parse(text.strip(), mode="eval")):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            yield ast.unparse(node.left), ast.unparse(node.right)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            yield ast.unparse(node.left), ast.unparse(node.left)


def _reads(model: MemoryModel) -> Mapping[Name, set[Name]]:
    reads: dict[Name, set[Name]] = {}
    for population in model.populations:
        lines = read_equations(population.equations)
        own = {line.name for line in lines}
        for line in lines:
            reads[population.name, line.name] = {(population.name, name) for name in line.names & own}
    for owner, target, value in _set_by_phases(model):
        names = {(owner, name) for name in identifiers(value)}
        reads[owner, target] = reads.get((owner, target), set()) | names
    for item in sums_of(model):
        key = item.onto, item.variable
        reads[key] = reads.get(key, set()) | _synaptic_reads(item.projection, item.line.expr)
    for projection in model.projections:
        for name, text in _synaptic(model, projection):
            key = projection.name, name
            reads[key] = reads.get(key, set()) | _synaptic_reads(projection, text)
    return reads


def _set_by_phases(model: MemoryModel) -> Iterator[tuple[str, str, str]]:
    """Yield what statements of phases set, variables and names of their own, as (population, name, value)."""
    for turn in turns(model):
        for target, _, value in map(split_statement, statement_lines(turn.code)):
            yield turn.population, target, value


def _synaptic(model: MemoryModel, projection: Projection) -> Iterator[tuple[str, str]]:
    """Yield the variables of synapses, and the texts that they follow."""
    if projection.variables.strip():
        yield from ((line.name, line.expr) for line in read_equations(projection.variables))
    for rule in model.rules:
        if rule.projection == projection.name:
            yield from _changed(rule)


def _changed(rule: LearningRule) -> Iterator[tuple[str, str]]:
    if rule.continuous:
        yield from ((line.name, line.expr) for line in read_equations(rule.continuous))
        return
    for statement in statement_lines(rule.text):
        target, _, value = split_statement(statement)
        yield target, value


def _synaptic_reads(projection: Projection, text: str) -> set[Name]:
    names = identifiers(text)
    own = {(projection.name, name) for name in names}
    pre = {(projection.source, name.removesuffix("_pre")) for name in names if name.endswith("_pre")}
    post = {(projection.target, name.removesuffix("_post")) for name in names}
    return own | pre | post

"""What the texts of a translation read of its groups, and which of them observe."""

from __future__ import annotations

from brainmem.text.equations import identifiers, inlined, read_equations
from brainmem.translation import schedule
from brainmem.translation.text import Connection, Pathway, Translation

__all__ = ["names_read", "observers_of", "runs_at_episodes", "summed_texts"]


def names_read(translated: Translation, item: Connection, text: str) -> list[tuple[str, str]]:
    """Return what a text of synapses reads of their units, as (group, variable)."""
    names = identifiers(inlined(text, read_equations(item.equations), keep=item.summed_order))
    sides = (("_pre", item.source), ("_post", item.target))
    found = [(owner, name.removesuffix(end)) for end, owner in sides for name in names if name.endswith(end)]
    plain = {line.name for line in read_equations(translated.group(item.target).equations)}
    return found + [(item.target, name) for name in names & plain]  # without an ending, Brian2 reads the target


def observers_of(translated: Translation) -> list[Connection]:
    """Return the connections that reduce units to observables."""
    observed = {f"observe_{item.name}" for item in translated.model.observables}
    return [item for item in translated.connections if item.name in observed]


def summed_texts(item: Connection) -> list[str]:
    """Return what a connection sums."""
    return [line.expr for line in read_equations(item.equations) if line.name in item.summed_order]


def runs_at_episodes(path: Pathway) -> bool:
    """Tell whether a pathway is an episodic rule's, which runs where a step of the protocol ends."""
    return path.when == schedule.EPISODE[0] and path.order >= schedule.EPISODE[1]
